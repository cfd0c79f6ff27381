// The cpu backend's max-pooling: rows of y are split over threads, and vectors run along channels.
#include <limits>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/simd.h"

namespace counterpoise {

using namespace detail;

namespace {

struct Pooling {
  Index N, H, W, C, P, Q;
  Pool2dParams params;

  Pooling(const Shape& x, const Shape& y, Pool2dParams p)
      : N(x[0]), H(x[1]), W(x[2]), C(x[3]), P(y[1]), Q(y[2]), params(p) {}

  // Rows of y that are worth a thread.
  Index grain() const { return std::max<Index>(1, thread_grain / std::max<Index>(1, Q * C)); }
  // No pixel lies in two windows.
  bool disjoint() const { return params.stride >= params.window; }
  // Each pixel lies in one window.
  bool tiled() const {
    return params.stride == params.window && params.pad == 0 && P * params.stride == H && Q * params.stride == W;
  }
  // Calls fn(offset) for each pixel of x in the window of (n, p, q), row by row.
  template <class Fn>
  void for_each_pixel(Index n, Index p, Index q, const Fn& fn) const {
    const Index top = p * params.stride - params.pad, left = q * params.stride - params.pad;
    for (Index h = std::max<Index>(0, top); h < std::min(H, top + params.window); ++h) {
      for (Index w = std::max<Index>(0, left); w < std::min(W, left + params.window); ++w)
        fn(((n * H + h) * W + w) * C);
    }
  }
};

}  // namespace

void CpuBackend::max_pool2d(const ConstView& x, Pool2dParams params, const View& y) {
  const Pooling g(x.shape, y.shape, params);
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* px = x.as<T>();
    parallel_for(g.N * g.P, g.grain(), [&](Index begin, Index end) {
      for (Index row = begin; row < end; ++row) {
        for (Index q = 0; q < g.Q; ++q) {
          for (Index c = 0; c < g.C; c += lanes<T>) {
            const Index size = std::min<Index>(lanes<T>, g.C - c);
            Vec<T> best = Vec<T>{} - std::numeric_limits<T>::infinity();
            g.for_each_pixel(row / g.P, row % g.P, q, [&](Index at) {
              const Vec<T> v = load(px + at + c, size);
              best = (v > best) | (v != v) ? v : best;  // NaN wins
            });
            store(y.as<T>() + (row * g.Q + q) * g.C + c, best, size);
          }
        }
      }
    });
  });
}

// If windows overlap, threads on different rows of y would write to the same pixels of x: then each takes whole images.
void CpuBackend::max_pool2d_grad(const ConstView& x, const ConstView& y, const ConstView& dy, Pool2dParams params,
                                 const View& dx) {
  const Pooling g(x.shape, y.shape, params);
  const bool tiled = g.tiled();
  if (!tiled) fill(0, dx);
  const Index rows = g.disjoint() ? 1 : g.P;  // in a unit of work
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *px = x.as<T>(), *py = y.as<T>(), *pdy = dy.as<T>();
    T* const pdx = dx.as<T>();
    parallel_for(g.N * g.P / rows, std::max<Index>(1, g.grain() / rows), [&](Index begin, Index end) {
      for (Index row = begin * rows; row < end * rows; ++row) {
        for (Index q = 0; q < g.Q; ++q) {
          for (Index c = 0; c < g.C; c += lanes<T>) {
            const Index size = std::min<Index>(lanes<T>, g.C - c), to = (row * g.Q + q) * g.C + c;
            const Vec<T> best = load(py + to, size);
            Vec<T> rest = load(pdy + to, size);  // the gradient that the window has left: dy, then 0
            g.for_each_pixel(row / g.P, row % g.P, q, [&](Index at) {
              const auto hit = load(px + at + c, size) == best;
              const Vec<T> share = hit ? rest : Vec<T>{};
              rest = hit ? Vec<T>{} : rest;
              store(pdx + at + c, tiled ? share : load(pdx + at + c, size) + share, size);
            });
          }
        }
      }
    });
  });
}

}  // namespace counterpoise
