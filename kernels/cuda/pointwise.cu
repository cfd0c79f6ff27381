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
void fill_with(cudaStream_t stream, T value, const View& y) {
  T* out = y.as<T>();
  for_each(stream, y.size(), [=] __device__(Index i) { out[i] = value; });
}

template <class X, class Y>
void cast_to(cudaStream_t stream, const ConstView& x, const View& y) {
  const X* in = x.as<X>();
  Y* out = y.as<Y>();
  constexpr int lanes = 16 / static_cast<int>(std::max(sizeof(X), sizeof(Y)));
  const Index n = y.size(), packs = n / lanes;
  for_each(stream, packs, [=] __device__(Index i) {
    const auto from = load<lanes>(in + i * lanes);
    Pack<Y, lanes> to;
    for (int lane = 0; lane < lanes; ++lane) to.v[lane] = Y(Compute<X>(from.v[lane]));
    store(out + i * lanes, to);
  });
  for_each(stream, n - packs * lanes,
           [=] __device__(Index i) { out[packs * lanes + i] = Y(Compute<X>(in[packs * lanes + i])); });
}

template <class T, class Formula>
void apply(cudaStream_t stream, Formula, double da, double db, const ConstView& x, const View& y) {
  using C = Compute<T>;
  const C a = C(da), b = C(db);
  map<T, 1>(stream, y.size(), {{x.as<T>()}}, y.as<T>(), [=] __device__(const C* v) { return Formula::f(v[0], a, b); });
}

template <class T, class Formula>
void apply_grad(cudaStream_t stream, Formula, double da, double db, const ConstView& x, const ConstView& y,
                const ConstView& dy, const View& dx) {
  using C = Compute<T>;
  const C a = C(da), b = C(db);
  map<T, 3>(stream, y.size(), {{x.as<T>(), y.as<T>(), dy.as<T>()}}, dx.as<T>(),
            [=] __device__(const C* v) { return v[2] * Formula::df(v[0], v[1], a, b); });
}

template <class T, class Formula>
void apply_binary(cudaStream_t stream, Formula, const ConstView& a, const ConstView& b, const View& y) {
  using C = Compute<T>;
  const T *pa = a.as<T>(), *pb = b.as<T>();
  T* py = y.as<T>();
  if (a.shape == y.shape && b.shape == y.shape) {
    return map<T, 2>(stream, y.size(), {{pa, pb}}, py, [=] __device__(const C* v) { return Formula::f(v[0], v[1]); });
  }
  const BroadcastIndex in_a(a.shape, y.shape), in_b(b.shape, y.shape);
  for_each(stream, y.size(), [=] __device__(Index i) { py[i] = T(Formula::f(C(pa[in_a(i)]), C(pb[in_b(i)]))); });
}

template <class T, class Formula>
void apply_binary_grad(cudaStream_t stream, Formula, bool wrt_a, const ConstView& a, const ConstView& b,
                       const ConstView& dy, const View& d) {
  using C = Compute<T>;
  const T *pa = a.as<T>(), *pb = b.as<T>(), *pdy = dy.as<T>();
  T* pd = d.as<T>();
  const BroadcastIndex in_a(a.shape, dy.shape), in_b(b.shape, dy.shape);
  for_each(stream, dy.size(), [=] __device__(Index i) {
    const C va = pa[in_a(i)], vb = pb[in_b(i)];
    pd[i] = T(C(pdy[i]) * (wrt_a ? Formula::da(va, vb) : Formula::db(va, vb)));
  });
}

template <class T>
void add(cudaStream_t stream, double factor, const ConstView& x, const View& y) {
  using C = Compute<T>;
  const C alpha = C(factor);
  map<T, 2>(stream, y.size(), {{x.as<T>(), y.as<T>()}}, y.as<T>(),
            [=] __device__(const C* v) { return v[1] + alpha * v[0]; });
}

template <class T>
void mask(cudaStream_t stream, const ConstView& y, const ConstView& dy, const View& dz) {
  using C = Compute<T>;
  map<T, 2>(stream, y.size(), {{y.as<T>(), dy.as<T>()}}, dz.as<T>(),
            [=] __device__(const C* v) { return formula::Relu::masked(v[0], v[1]); });
}

template <class T>
void drop(cudaStream_t stream, const ConstView& x, double p, uint64_t key, uint64_t counter_high, const View& y) {
  const auto scale = Compute<T>(1 / (1 - p));
  const T* in = x.as<T>();
  T* out = y.as<T>();
  const Index n = x.size();
  for_each(stream, (n + 3) / 4, [=] __device__(Index block) {
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
    fill_with<T>(stream_, T(value), y);
  });
}

void CudaBackend::cast(const ConstView& x, const View& y) {
  dispatch_floating(x.dtype, [&](auto zero_x) {
    dispatch_floating(y.dtype, [&](auto zero_y) { cast_to<decltype(zero_x), decltype(zero_y)>(stream_, x, y); });
  });
}

void CudaBackend::unary(Unary op, double a, double b, const ConstView& x, const View& y) {
  with_formula(op, y.dtype, [&](auto formula, auto zero) { apply<decltype(zero)>(stream_, formula, a, b, x, y); });
}

void CudaBackend::unary_grad(Unary op, double a, double b, const ConstView& x, const ConstView& y, const ConstView& dy,
                             const View& dx) {
  with_formula(op, y.dtype,
               [&](auto formula, auto zero) { apply_grad<decltype(zero)>(stream_, formula, a, b, x, y, dy, dx); });
}

void CudaBackend::binary(Binary op, const ConstView& a, const ConstView& b, const View& y) {
  with_formula(op, y.dtype, [&](auto formula, auto zero) { apply_binary<decltype(zero)>(stream_, formula, a, b, y); });
}

void CudaBackend::binary_grad(Binary op, bool wrt_a, const ConstView& a, const ConstView& b, const ConstView& dy,
                              const View& d) {
  with_formula(op, dy.dtype, [&](auto formula, auto zero) {
    apply_binary_grad<decltype(zero)>(stream_, formula, wrt_a, a, b, dy, d);
  });
}

void CudaBackend::add_scaled(double alpha, const ConstView& x, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) { add<decltype(zero)>(stream_, alpha, x, y); });
}

void CudaBackend::relu_mask(const ConstView& y, const ConstView& dy, const View& dz) {
  dispatch_floating(y.dtype, [&](auto zero) { mask<decltype(zero)>(stream_, y, dy, dz); });
}

// The same masks as on a processor: they are a function of key, counter and place.
void CudaBackend::dropout(const ConstView& x, double p, uint64_t key, uint64_t stream, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) { drop<decltype(zero)>(stream_, x, p, key, stream, y); });
}

}  // namespace counterpoise
