// The cuda backend's pooling. A thread computes 16 bytes of neighboring channels of a pixel if 16 bytes divide a
// pixel's channels. The backward pass finds, for each input, the windows that hold it, so that no two threads add to
// one number.
//
// These are our own kernels and not cuDNN's, because the contract says which of equal maxima gets the gradient.
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launch.h"

namespace counterpoise {

using namespace detail;

namespace {

// The extents of images and of their windows.
struct Pooling {
  int N, H, W, C, P, Q, window, stride, pad;
  Pooling(const Shape& x, const Shape& y, Pool2dParams params)
      : N(static_cast<int>(x[0])),
        H(static_cast<int>(x[1])),
        W(static_cast<int>(x[2])),
        C(static_cast<int>(x[3])),
        P(static_cast<int>(y[1])),
        Q(static_cast<int>(y[2])),
        window(static_cast<int>(params.window)),
        stride(static_cast<int>(params.stride)),
        pad(static_cast<int>(params.pad)) {}
  __device__ Index in(int n, int h, int w) const { return ((static_cast<Index>(n) * H + h) * W + w) * C; }
  __device__ Index out(int n, int p, int q) const { return ((static_cast<Index>(n) * P + p) * Q + q) * C; }
  // The first window that holds row or column h, and the one after the last.
  __device__ int first(int h) const { return h + pad < window ? 0 : (h + pad - window) / stride + 1; }
  __device__ int after_last(int h, int windows) const {
    const int last = (h + pad) / stride + 1;
    return last < windows ? last : windows;
  }
};

// A block takes part of a row of `columns` pixels, blockIdx.y is the row and blockIdx.z the image:
// body(n, row, column, channel of the pack).
template <int lanes, class Body>
__global__ void pixels_kernel(int N, int rows, int columns, int C, Body body) {
  const int packs = C / lanes, i = static_cast<int>(thread_index());
  if (i >= columns * packs) return;
  for (int n = blockIdx.z; n < N; n += gridDim.z) {
    for (int row = blockIdx.y; row < rows; row += gridDim.y) body(n, row, i / packs, i % packs * lanes);
  }
}

template <int lanes, class Body>
void for_each_pixel(Queue& queue, int N, int rows, int columns, int C, const Body& body) {
  if (N == 0 || rows == 0 || columns == 0 || C == 0) return;
  dim3 grid = grid_for(static_cast<Index>(columns) * (C / lanes), Index(1) << 30);
  grid.y = static_cast<unsigned>(std::min(rows, 65535));
  grid.z = static_cast<unsigned>(std::min(N, 65535));
  launch(pixels_kernel<lanes, Body>, grid, queue, N, rows, columns, C, body);
}

// The largest numbers of a window so far, and their positions in it. NaN wins, so that a diverged run is noticed.
template <class T, class P, int lanes>
struct Largest {
  Pack<T, lanes> value = {};
  Pack<P, lanes> position = {};
  __device__ void consider(const Pack<T, lanes>& in, int at, bool first) {
    for (int lane = 0; lane < lanes; ++lane) {
      const Compute<T> x = in.v[lane];
      if (first || x > Compute<T>(value.v[lane]) || x != x) value.v[lane] = in.v[lane], position.v[lane] = P(at);
    }
  }
};

// `window` is the windows' extent where the compiler knows it, and where none has padding; then all loads are enqueued
// before the first is used. Else it is 0.
template <int window, class T, class P, int lanes>
__device__ Largest<T, P, lanes> largest(const Pooling& g, const T* x, int n, int p, int q, int c) {
  Largest<T, P, lanes> y;
  if constexpr (window > 0) {
    Pack<T, lanes> in[window * window];
    for (int i = 0; i < window * window; ++i) {
      in[i] = load<lanes>(x + g.in(n, p * g.stride + i / window, q * g.stride + i % window) + c);
    }
    for (int i = 0; i < window * window; ++i) y.consider(in[i], i, i == 0);
    return y;
  }
  bool first = true;
  for (int r = 0; r < g.window; ++r) {
    const int h = p * g.stride + r - g.pad;
    if (h < 0 || h >= g.H) continue;
    for (int s = 0; s < g.window; ++s) {
      const int w = q * g.stride + s - g.pad;
      if (w < 0 || w >= g.W) continue;
      y.consider(load<lanes>(x + g.in(n, h, w) + c), r * g.window + s, first);
      first = false;
    }
  }
  return y;
}

template <int window, int lanes, class T, class P>
void window_max(Queue& queue, const Pooling& g, const T* x, T* y, P* position) {
  for_each_pixel<lanes>(queue, g.N, g.P, g.Q, g.C, [=] __device__(int n, int p, int q, int c) {
    const auto best = largest<window, T, P, lanes>(g, x, n, p, q, c);
    store(y + g.out(n, p, q) + c, best.value);
    if (position) store(position + g.out(n, p, q) + c, best.position);
  });
}

// Windows that do not overlap: each writes all of its inputs. `window` as above.
template <int window, int lanes, class T, class P>
void max_grad_disjoint(Queue& queue, const Pooling& g, const T* dy, const P* position, T* dx) {
  for_each_pixel<lanes>(queue, g.N, g.P, g.Q, g.C, [=] __device__(int n, int p, int q, int c) {
    const auto gradient = load<lanes>(dy + g.out(n, p, q) + c);
    const auto where = load<lanes>(position + g.out(n, p, q) + c);
    const int extent = window > 0 ? window : g.window;
    for (int i = 0; i < extent * extent; ++i) {
      Pack<T, lanes> d;
      for (int lane = 0; lane < lanes; ++lane) d.v[lane] = where.v[lane] == i ? gradient.v[lane] : T(0);
      store(dx + g.in(n, p * g.stride + i / extent, q * g.stride + i % extent) + c, d);
    }
  });
}

// Calls fn with the extent of windows that are compiled for themselves, as a type: 2, as in VGG, or 0 for any.
template <class Fn>
void with_window(const Pooling& g, const Fn& fn) {
  if (g.window == 2 && g.pad == 0) fn(std::integral_constant<int, 2>());
  else fn(std::integral_constant<int, 0>());
}

// Any windows: an input gets the gradient of those whose maximum it is.
template <int lanes, class T, class P>
void max_grad(Queue& queue, const Pooling& g, const T* dy, const P* position, T* dx) {
  for_each_pixel<lanes>(queue, g.N, g.H, g.W, g.C, [=] __device__(int n, int h, int w, int c) {
    using C = Compute<T>;
    C sums[lanes] = {};
    for (int p = g.first(h); p < g.after_last(h, g.P); ++p) {
      for (int q = g.first(w); q < g.after_last(w, g.Q); ++q) {
        const int at = (h - p * g.stride + g.pad) * g.window + w - q * g.stride + g.pad;
        const auto where = load<lanes>(position + g.out(n, p, q) + c);
        const auto gradient = load<lanes>(dy + g.out(n, p, q) + c);
        for (int lane = 0; lane < lanes; ++lane) {
          if (where.v[lane] == at) sums[lane] += C(gradient.v[lane]);
        }
      }
    }
    Pack<T, lanes> d;
    for (int lane = 0; lane < lanes; ++lane) d.v[lane] = T(sums[lane]);
    store(dx + g.in(n, h, w) + c, d);
  });
}

template <class T>
void mean(Queue& queue, const Pooling& g, const T* x, T* y) {
  for_each_pixel<1>(queue, g.N, g.P, g.Q, g.C, [=] __device__(int n, int p, int q, int c) {
    double sum = 0;
    for (int r = 0; r < g.window; ++r) {
      for (int s = 0; s < g.window; ++s) {
        const int h = p * g.stride + r - g.pad, w = q * g.stride + s - g.pad;
        if (0 <= h && h < g.H && 0 <= w && w < g.W) sum += double(Compute<T>(x[g.in(n, h, w) + c]));
      }
    }
    y[g.out(n, p, q) + c] = T(sum / (g.window * g.window));
  });
}

template <class T>
void mean_grad(Queue& queue, const Pooling& g, const T* dy, T* dx) {
  for_each_pixel<1>(queue, g.N, g.H, g.W, g.C, [=] __device__(int n, int h, int w, int c) {
    double sum = 0;
    for (int p = g.first(h); p < g.after_last(h, g.P); ++p) {
      for (int q = g.first(w); q < g.after_last(w, g.Q); ++q) sum += double(Compute<T>(dy[g.out(n, p, q) + c]));
    }
    dx[g.in(n, h, w) + c] = T(sum / (g.window * g.window));
  });
}

// Window p of P over an axis of extent H: from floor(p H / P) to before ceil((p + 1) H / P).
__device__ int adaptive_begin(int p, int P, int H) { return static_cast<int>(static_cast<Index>(p) * H / P); }
__device__ int adaptive_end(int p, int P, int H) {
  return static_cast<int>((static_cast<Index>(p + 1) * H + P - 1) / P);
}

template <class T>
void adaptive_mean(Queue& queue, const Pooling& g, const T* x, T* y) {
  for_each_pixel<1>(queue, g.N, g.P, g.Q, g.C, [=] __device__(int n, int p, int q, int c) {
    const int top = adaptive_begin(p, g.P, g.H), bottom = adaptive_end(p, g.P, g.H);
    const int left = adaptive_begin(q, g.Q, g.W), right = adaptive_end(q, g.Q, g.W);
    double sum = 0;
    for (int h = top; h < bottom; ++h) {
      for (int w = left; w < right; ++w) sum += double(Compute<T>(x[g.in(n, h, w) + c]));
    }
    y[g.out(n, p, q) + c] = T(sum / ((bottom - top) * (right - left)));
  });
}

template <class T>
void adaptive_mean_grad(Queue& queue, const Pooling& g, const T* dy, T* dx) {
  for_each_pixel<1>(queue, g.N, g.H, g.W, g.C, [=] __device__(int n, int h, int w, int c) {
    double sum = 0;
    for (int p = 0; p < g.P; ++p) {
      const int top = adaptive_begin(p, g.P, g.H), bottom = adaptive_end(p, g.P, g.H);
      if (h < top || h >= bottom) continue;
      for (int q = 0; q < g.Q; ++q) {
        const int left = adaptive_begin(q, g.Q, g.W), right = adaptive_end(q, g.Q, g.W);
        if (w < left || w >= right) continue;
        sum += double(Compute<T>(dy[g.out(n, p, q) + c])) / ((bottom - top) * (right - left));
      }
    }
    dx[g.in(n, h, w) + c] = T(sum);
  });
}

}  // namespace

void CudaBackend::max_pool2d(const ConstView& x, Pool2dParams params, const View& y, const View& position) {
  const Pooling g(x.shape, y.shape, params);
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    dispatch_positions(params.position_dtype(), [&](auto none) {
      using P = decltype(none);
      with_lanes<T>(x.shape[3], [&](auto lanes) {
        with_window(g, [&](auto window) {
          window_max<window.value, lanes.value>(queue_, g, x.as<T>(), y.as<T>(), position.as<P>());
        });
      });
    });
  });
}

void CudaBackend::max_pool2d_grad(const ConstView& dy, const ConstView& position, Pool2dParams params, const View& dx) {
  const Pooling g(dx.shape, dy.shape, params);
  const bool disjoint = params.pad == 0 && params.stride >= params.window;
  // Rows and columns that no window holds have no gradient.
  const bool covered = params.stride == params.window && g.H % g.window == 0 && g.W % g.window == 0;
  if (disjoint && !covered) fill(0, dx);
  dispatch_floating(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    dispatch_positions(position.dtype, [&](auto none) {
      using P = decltype(none);
      const P* where = position.as<P>();
      with_lanes<T>(dx.shape[3], [&](auto lanes) {
        if (!disjoint) return max_grad<lanes.value>(queue_, g, dy.as<T>(), where, dx.as<T>());
        with_window(g, [&](auto window) {
          max_grad_disjoint<window.value, lanes.value>(queue_, g, dy.as<T>(), where, dx.as<T>());
        });
      });
    });
  });
}

void CudaBackend::avg_pool2d(const ConstView& x, Pool2dParams params, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    mean<T>(queue_, Pooling(x.shape, y.shape, params), x.as<T>(), y.as<T>());
  });
}

void CudaBackend::avg_pool2d_grad(const ConstView& dy, Pool2dParams params, const View& dx) {
  dispatch_floating(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    mean_grad<T>(queue_, Pooling(dx.shape, dy.shape, params), dy.as<T>(), dx.as<T>());
  });
}

void CudaBackend::adaptive_avg_pool2d(const ConstView& x, const View& y) {
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    adaptive_mean<T>(queue_, Pooling(x.shape, y.shape, {}), x.as<T>(), y.as<T>());
  });
}

void CudaBackend::adaptive_avg_pool2d_grad(const ConstView& dy, const View& dx) {
  dispatch_floating(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    adaptive_mean_grad<T>(queue_, Pooling(dx.shape, dy.shape, {}), dy.as<T>(), dx.as<T>());
  });
}

}  // namespace counterpoise
