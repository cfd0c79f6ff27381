// The cpu backend's max-pooling: rows of y are split over threads, and vectors run along channels.
#include <cstring>

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
  // Calls fn(offset, position in the window) for each pixel of x in the window of (n, p, q), row by row.
  template <class Fn>
  void for_each_pixel(Index n, Index p, Index q, const Fn& fn) const {
    const Index top = p * params.stride - params.pad, left = q * params.stride - params.pad;
    for (Index h = std::max<Index>(0, top); h < std::min(H, top + params.window); ++h) {
      for (Index w = std::max<Index>(0, left); w < std::min(W, left + params.window); ++w)
        fn(((n * H + h) * W + w) * C, (h - top) * params.window + w - left);
    }
  }
};

// Positions in windows, in as many lanes as numbers T have: in memory as P, in registers as integers of T's size.
template <class T>
using Positions = typename MaskOf<T>::type;
template <class T, class P>
using PackedPositions [[gnu::vector_size(lanes<T> * sizeof(P))]] = P;

template <class T, class P>
void store_positions(P* to, Positions<T> positions, Index count) {
  const auto packed = __builtin_convertvector(positions, PackedPositions<T, P>);
  std::memcpy(to, &packed, static_cast<size_t>(count) * sizeof(P));
}
template <class T, class P>
Positions<T> load_positions(const P* from, Index count) {
  PackedPositions<T, P> packed = {};
  if (count == lanes<T>) std::memcpy(&packed, from, sizeof packed);
  else std::memcpy(&packed, from, static_cast<size_t>(count) * sizeof(P));
  return __builtin_convertvector(packed, Positions<T>);
}

// `position` is null where positions are not wanted.
template <class T, class P>
void forward(const Pooling& g, const T* x, T* y, P* position) {
  parallel_for(g.N * g.P, g.grain(), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      for (Index q = 0; q < g.Q; ++q) {
        for (Index c = 0; c < g.C; c += lanes<T>) {
          const Index size = std::min<Index>(lanes<T>, g.C - c), to = (row * g.Q + q) * g.C + c;
          Vec<T> best{};
          Positions<T> where{};
          bool first = true;
          g.for_each_pixel(row / g.P, row % g.P, q, [&](Index from, Index at) {
            const Vec<T> v = load(x + from + c, size);
            const Positions<T> wins = first ? Positions<T>{} == 0 : (v > best) | (v != v);  // NaN wins
            best = wins ? v : best;
            if (position) where = wins ? Positions<T>{} + static_cast<int>(at) : where;
            first = false;
          });
          store(y + to, best, size);
          if (position) store_positions<T>(position + to, where, size);
        }
      }
    }
  });
}

// If windows overlap, threads on different rows of y would write to the same pixels of x: then each takes whole images.
template <class T, class P>
void backward(const Pooling& g, const T* dy, const P* position, T* dx) {
  const bool tiled = g.tiled();
  const Index rows = g.disjoint() ? 1 : g.P;  // in a unit of work
  parallel_for(g.N * g.P / rows, std::max<Index>(1, g.grain() / rows), [&](Index begin, Index end) {
    for (Index row = begin * rows; row < end * rows; ++row) {
      for (Index q = 0; q < g.Q; ++q) {
        for (Index c = 0; c < g.C; c += lanes<T>) {
          const Index size = std::min<Index>(lanes<T>, g.C - c), from = (row * g.Q + q) * g.C + c;
          const Vec<T> gradient = load(dy + from, size);
          const Positions<T> where = load_positions<T>(position + from, size);
          g.for_each_pixel(row / g.P, row % g.P, q, [&](Index to, Index at) {
            const Vec<T> share = where == static_cast<int>(at) ? gradient : Vec<T>{};
            store(dx + to + c, tiled ? share : load(dx + to + c, size) + share, size);
          });
        }
      }
    }
  });
}

}  // namespace

void CpuBackend::max_pool2d(const ConstView& x, Pool2dParams params, const View& y, const View& position) {
  const Pooling g(x.shape, y.shape, params);
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    dispatch_positions(params.position_dtype(),
                       [&](auto none) { forward(g, x.as<T>(), y.as<T>(), position.as<decltype(none)>()); });
  });
}

void CpuBackend::max_pool2d_grad(const ConstView& dy, const ConstView& position, Pool2dParams params, const View& dx) {
  const Pooling g(dx.shape, dy.shape, params);
  if (!g.tiled()) fill(0, dx);
  dispatch(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    dispatch_positions(position.dtype,
                       [&](auto none) { backward(g, dy.as<T>(), position.as<decltype(none)>(), dx.as<T>()); });
  });
}

}  // namespace counterpoise
