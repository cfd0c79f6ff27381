// The cuda backend's elementwise operations: each is a formula of formulas.h, sixteen bytes at a time.
#include "kernels/broadcast.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch.h"
#include "kernels/philox.h"

namespace counterpoise {

using namespace detail;

namespace {

// (Each kernel starts in a function template of its own: nvcc takes no device lambda inside a generic one.)

template <class T>
void fill_with(Queue& queue, T value, const View& y) {
  T* out = y.as<T>();
  for_each(queue, y.size(), [=] __device__(Index i) { out[i] = value; });
}

template <class X, class Y>
void cast_to(Queue& queue, const ConstView& x, const View& y) {
  const X* in = x.as<X>();
  Y* out = y.as<Y>();
  constexpr int lanes = 16 / static_cast<int>(std::max(sizeof(X), sizeof(Y)));
  const Index n = y.size(), packs = n / lanes;
  for_each(queue, packs, [=] __device__(Index i) {
    const auto from = load<lanes>(in + i * lanes);
    Pack<Y, lanes> to;
    for (int lane = 0; lane < lanes; ++lane) to.v[lane] = Y(Compute<X>(from.v[lane]));
    store(out + i * lanes, to);
  });
  for_each(queue, n - packs * lanes,
           [=] __device__(Index i) { out[packs * lanes + i] = Y(Compute<X>(in[packs * lanes + i])); });
}

template <class T, class Formula>
void apply(Queue& queue, Formula, double da, double db, const ConstView& x, const View& y) {
  using C = Compute<T>;
  const C a = C(da), b = C(db);
  map<T, 1>(queue, y.size(), {{x.as<T>()}}, y.as<T>(), [=] __device__(const C* v) { return Formula::f(v[0], a, b); });
}

template <class T, class Formula>
void apply_grad(Queue& queue, Formula, double da, double db, const ConstView& x, const ConstView& y,
                const ConstView& dy, const View& dx) {
  using C = Compute<T>;
  const C a = C(da), b = C(db);
  map<T, 3>(queue, y.size(), {{x.as<T>(), y.as<T>(), dy.as<T>()}}, dx.as<T>(),
            [=] __device__(const C* v) { return v[2] * Formula::df(v[0], v[1], a, b); });
}

template <class T, class Formula>
void apply_binary(Queue& queue, Formula, const ConstView& a, const ConstView& b, const View& y) {
  using C = Compute<T>;
  const T *pa = a.as<T>(), *pb = b.as<T>();
  T* py = y.as<T>();
  if (a.shape == y.shape && b.shape == y.shape) {
    return map<T, 2>(queue, y.size(), {{pa, pb}}, py, [=] __device__(const C* v) { return Formula::f(v[0], v[1]); });
  }
  const BroadcastIndex in_a(a.shape, y.shape), in_b(b.shape, y.shape);
  for_each(queue, y.size(), [=] __device__(Index i) { py[i] = T(Formula::f(C(pa[in_a(i)]), C(pb[in_b(i)]))); });
}

template <class T, class Formula>
void apply_binary_grad(Queue& queue, Formula, Index wrt_a, const ConstView& a, const ConstView& b, const ConstView& dy,
                       const View& d) {
  using C = Compute<T>;
  const T *pa = a.as<T>(), *pb = b.as<T>(), *pdy = dy.as<T>();
  T* pd = d.as<T>();
  const BroadcastIndex in_a(a.shape, dy.shape), in_b(b.shape, dy.shape);
  for_each(queue, dy.size(), [=] __device__(Index i) {
    const C va = pa[in_a(i)], vb = pb[in_b(i)];
    pd[i] = T(C(pdy[i]) * (wrt_a ? Formula::da(va, vb) : Formula::db(va, vb)));
  });
}

template <class T>
void add(Queue& queue, double factor, const ConstView& x, const View& y) {
  using C = Compute<T>;
  const C alpha = C(factor);
  map<T, 2>(queue, y.size(), {{x.as<T>(), y.as<T>()}}, y.as<T>(),
            [=] __device__(const C* v) { return v[1] + alpha * v[0]; });
}

template <class T>
void mask(Queue& queue, const ConstView& y, const ConstView& dy, const View& dz) {
  using C = Compute<T>;
  map<T, 2>(queue, y.size(), {{y.as<T>(), dy.as<T>()}}, dz.as<T>(),
            [=] __device__(const C* v) { return formula::Relu::masked(v[0], v[1]); });
}

template <class T>
void drop(Queue& queue, const ConstView& x, double p, uint64_t key, uint64_t counter_high, const View& y) {
  const auto scale = Compute<T>(1 / (1 - p));
  const T* in = x.as<T>();
  T* out = y.as<T>();
  const Index n = x.size();
  for_each(queue, (n + 3) / 4, [=] __device__(Index block) {
    const Philox::Words words = Philox::words(key, block, counter_high);
    for (Index i = 4 * block; i < n && i < 4 * block + 4; ++i) {
      out[i] = Philox::uniform(words.v[i % 4]) < p ? T(0) : T(in[i] * scale);
    }
  });
}

}  // namespace

void CudaBackend::fill(double value, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    fill_with<T>(queue_, T(value), y);
  });
}

void CudaBackend::cast(const ConstView& x, const View& y) {
  dispatch_floating(x.dtype, [&](auto zero_x) {
    dispatch_floating(y.dtype, [&](auto zero_y) { cast_to<decltype(zero_x), decltype(zero_y)>(queue_, x, y); });
  });
}

void CudaBackend::unary(Unary op, double a, double b, const ConstView& x, const View& y) {
  with_formula(op, y.dtype, [&](auto formula, auto zero) { apply<decltype(zero)>(queue_, formula, a, b, x, y); });
}

void CudaBackend::unary_grad(Unary op, double a, double b, const ConstView& x, const ConstView& y, const ConstView& dy,
                             const View& dx) {
  with_formula(op, y.dtype,
               [&](auto formula, auto zero) { apply_grad<decltype(zero)>(queue_, formula, a, b, x, y, dy, dx); });
}

void CudaBackend::binary(Binary op, const ConstView& a, const ConstView& b, const View& y) {
  with_formula(op, y.dtype, [&](auto formula, auto zero) { apply_binary<decltype(zero)>(queue_, formula, a, b, y); });
}

void CudaBackend::binary_grad(Binary op, bool wrt_a, const ConstView& a, const ConstView& b, const ConstView& dy,
                              const View& d) {
  with_formula(op, dy.dtype, [&](auto formula, auto zero) {
    apply_binary_grad<decltype(zero)>(queue_, formula, wrt_a, a, b, dy, d);
  });
}

void CudaBackend::add_scaled(double alpha, const ConstView& x, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) { add<decltype(zero)>(queue_, alpha, x, y); });
}

void CudaBackend::relu_mask(const ConstView& y, const ConstView& dy, const View& dz) {
  dispatch_floating(y.dtype, [&](auto zero) { mask<decltype(zero)>(queue_, y, dy, dz); });
}

// The same masks as on a processor: they are a function of key, counter and place.
void CudaBackend::dropout(const ConstView& x, double p, uint64_t key, uint64_t stream, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) { drop<decltype(zero)>(queue_, x, p, key, stream, y); });
}

}  // namespace counterpoise
