// The ways of a convolution on the cpu, and the one that always works: as a matrix product. An output pixel is the
// product of the weights with the R x S x C inputs around it; im2col writes these inputs side by side, a row for each
// output pixel, and OpenBLAS multiplies:
//
//   col [pixels, R S C]:   y = col w^T        dw = dy^T col        dcol = dy w
//
// In NHWC the S C inputs of one kernel row lie next to each other in the picture, so a row of col is R straight
// copies. Only a block of rows is written at a time: large enough to pay for OpenBLAS's packing of the weights,
// small enough to stay in the cache.
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/blas.h"
#include "kernels/cpu_backend.h"
#include "kernels/direct_conv.h"
#include "kernels/scratch.h"
#include "kernels/winograd.h"

namespace counterpoise {

namespace {

// A 1x1 convolution at stride 1 is a product already: col is x.
bool is_product(const ConvGeometry& g) { return g.R == 1 && g.S == 1 && g.stride == 1 && g.pad == 0; }

// Rows of col in a block: about 512 KiB, and at least 256.
Index block_rows(const ConvGeometry& g, size_t element) {
  return std::max<Index>(256, (Index(1) << 19) / std::max<Index>(1, g.length() * Index(element)));
}

// Rows [begin, end) of col.
template <class T>
void im2col(const ConvGeometry& g, const T* x, Index begin, Index end, T* col) {
  for (Index pixel = begin; pixel < end; ++pixel) {
    const Index n = pixel / (g.P * g.Q), p = pixel / g.Q % g.P, q = pixel % g.Q;
    const Index left = q * g.stride - g.pad;
    const Index first = std::max<Index>(0, -left), last = std::min(g.S, g.W - left);  // s that are not padding
    for (Index r = 0; r < g.R; ++r, col += g.S * g.C) {
      const Index h = p * g.stride + r - g.pad;
      if (h < 0 || h >= g.H || first >= last) {
        std::fill(col, col + g.S * g.C, T(0));
        continue;
      }
      std::fill(col, col + first * g.C, T(0));
      std::memcpy(col + first * g.C, x + ((n * g.H + h) * g.W + left + first) * g.C, (last - first) * g.C * sizeof(T));
      std::fill(col + last * g.C, col + g.S * g.C, T(0));
    }
  }
}

// The way back: adds the rows of picture n's col into dx.
template <class T>
void col2im(const ConvGeometry& g, const T* col, Index n, T* dx) {
  for (Index p = 0; p < g.P; ++p) {
    for (Index q = 0; q < g.Q; ++q) {
      const Index left = q * g.stride - g.pad;
      const Index first = std::max<Index>(0, -left), last = std::min(g.S, g.W - left);
      for (Index r = 0; r < g.R; ++r, col += g.S * g.C) {
        const Index h = p * g.stride + r - g.pad;
        if (h < 0 || h >= g.H || first >= last) continue;
        T* out = dx + ((n * g.H + h) * g.W + left + first) * g.C;
        const T* in = col + first * g.C;
        for (Index i = 0; i < (last - first) * g.C; ++i) out[i] += in[i];
      }
    }
  }
}

template <class T>
void by_im2col(Backend& backend, const ConvGeometry& g, const T* x, const T* w, const T* bias, bool relu, T* y) {
  const Index L = g.length();
  // Small pictures make few blocks: then smaller ones, so that each thread gets one.
  const Index rows = std::min(block_rows(g, sizeof(T)), (g.pixels() + cpu_threads() - 1) / cpu_threads());
  const Index blocks = rows ? (g.pixels() + rows - 1) / rows : 0;
  const Scratch<T> scratch(backend, is_product(g) ? 0 : cpu_threads() * rows * L);
  blas_int(g.pixels()), blas_int(L), blas_int(g.K);
  parallel_for(blocks, 1, [&](Index begin, Index end) {
    T* col = scratch.get() + thread_slot() * rows * L;
    for (Index block = begin; block < end; ++block) {
      const Index first = block * rows, last = std::min(g.pixels(), first + rows);
      if (!is_product(g)) im2col(g, x, first, last, col);
      T* out = y + first * g.K;
      gemm(false, true, last - first, g.K, L, is_product(g) ? x + first * L : col, L, w, L, T(0), out, g.K);
      if (!bias && !relu) continue;
      for (Index i = 0; i < last - first; ++i, out += g.K) {
        if (bias) {
          for (Index k = 0; k < g.K; ++k) out[k] += bias[k];
        }
        if (relu) {
          for (Index k = 0; k < g.K; ++k) out[k] = formula::Relu::f(out[k], T(0), T(0));
        }
      }
    }
  });
}

// The ways of a convolution, the fastest first. im2col is always right.
template <class T>
void convolve(Backend& backend, const ConvGeometry& g, const T* x, const T* w, const T* bias, bool relu, T* y) {
  if (direct_is_best(g)) direct_conv(backend, g, x, w, bias, relu, y);
  else if (const int tile = winograd_tile(g)) winograd_conv(backend, tile, g, x, w, false, bias, relu, y);
  else by_im2col(backend, g, x, w, bias, relu, y);
}

// w [K, R, S, C] turned by 180 degrees with its channels exchanged, [C, R, S, K]: the kernel of the way back.
template <class T>
void turn(const ConvGeometry& g, const T* w, T* turned) {
  parallel_for(g.C, 4, [&](Index begin, Index end) {
    for (Index c = begin; c < end; ++c) {
      for (Index rs = 0; rs < g.R * g.S; ++rs) {
        const Index opposite = g.R * g.S - 1 - rs;
        for (Index k = 0; k < g.K; ++k) {
          turned[(c * g.R * g.S + rs) * g.K + k] = w[(k * g.R * g.S + opposite) * g.C + c];
        }
      }
    }
  });
}

// All threads work on one block at a time, each on its own rows of dw: so there are no partial sums per thread to keep
// and to add.
template <class T>
void grad_weight_by_im2col(Backend& backend, const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  const Index L = g.length(), rows = std::min(g.pixels(), 2 * block_rows(g, sizeof(T)));
  const Scratch<T> scratch(backend, is_product(g) ? 0 : rows * L);
  for (Index first = 0; first < g.pixels(); first += rows) {
    const Index last = std::min(g.pixels(), first + rows);
    const T* col = x + first * L;
    if (!is_product(g)) {
      parallel_for(last - first, 16, [&](Index begin, Index end) {
        im2col(g, x, first + begin, first + end, scratch.get() + begin * L);
      });
      col = scratch.get();
    }
    parallel_gemm<T>(true, false, g.K, L, last - first, dy + first * g.K, g.K, col, L, first == 0 ? T(0) : T(1), dw, L);
  }
}

}  // namespace

void CpuBackend::conv2d(const View& x, const View& w, const View& bias, Conv2dParams params, bool relu, const View& y) {
  const ConvGeometry g(x.shape, w.shape, params);
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    convolve(*this, g, x.as<T>(), w.as<T>(), bias.as<T>(), relu, y.as<T>());
  });
}

// At stride 1 the gradient is itself a convolution of dy, with the turned kernel and padding R - 1 - pad.
void CpuBackend::conv2d_grad_input(const View& dy, const View& w, Conv2dParams params, const View& dx) {
  const ConvGeometry g(dx.shape, w.shape, params);
  dispatch(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Index L = g.length();
    if (g.stride == 1 && g.R == g.S && g.pad <= g.R - 1) {
      const ConvGeometry back(dy.shape, {g.C, g.R, g.S, g.K}, {1, g.R - 1 - g.pad});
      const T* no_bias = nullptr;
      if (const int tile = winograd_tile(back)) {
        return winograd_conv(*this, tile, back, dy.as<T>(), w.as<T>(), true, no_bias, false, dx.as<T>());
      }
      const Scratch<T> turned(*this, w.size());
      turn(g, w.as<T>(), turned.get());
      return convolve(*this, back, dy.as<T>(), turned.get(), no_bias, false, dx.as<T>());
    }
    fill(0, dx);
    const Index rows = g.P * g.Q;
    const Scratch<T> scratch(*this, cpu_threads() * rows * L);
    blas_int(rows), blas_int(L), blas_int(g.K);
    parallel_for(g.N, 1, [&](Index begin, Index end) {
      T* col = scratch.get() + thread_slot() * rows * L;
      for (Index n = begin; n < end; ++n) {
        gemm(false, false, rows, L, g.K, dy.as<T>() + n * rows * g.K, g.K, w.as<T>(), L, T(0), col, L);
        col2im(g, col, n, dx.as<T>());
      }
    });
  });
}

void CpuBackend::conv2d_grad_weight(const View& x, const View& dy, Conv2dParams params, const View& dw) {
  const ConvGeometry g(x.shape, dw.shape, params);
  if (g.pixels() == 0) return fill(0, dw);
  dispatch(dw.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *px = x.as<T>(), *pdy = dy.as<T>();
    if (direct_is_best(g)) direct_grad_weight(*this, g, px, pdy, dw.as<T>());
    else if (const int tile = winograd_tile(g)) winograd_grad_weight(*this, tile, g, px, pdy, dw.as<T>());
    else grad_weight_by_im2col(*this, g, px, pdy, dw.as<T>());
  });
}

}  // namespace counterpoise
