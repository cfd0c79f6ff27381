#include "kernels/cpu/im2col_conv.h"

#include <cstring>

#include "kernels/cpu/blas.h"
#include "kernels/scratch.h"

namespace counterpoise::detail {

namespace {

// Rows of col in a block: as many as take about 512 KiB, but at least 256 rows.
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

// The backward pass: adds the rows of image n's col into dx.
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

}  // namespace

template <class T>
void im2col_conv(Backend& backend, const ConvGeometry& g, const T* x, const T* w, const T* bias, bool relu, T* y,
                 const T* residual) {
  const Index L = g.length();
  // Small images give few blocks; then smaller ones, so that each thread gets one.
  const Index rows = std::min(block_rows(g, sizeof(T)), (g.pixels() + cpu_threads() - 1) / cpu_threads());
  const Index blocks = rows ? (g.pixels() + rows - 1) / rows : 0;
  const Scratch<T> scratch(backend, g.is_pointwise() ? 0 : cpu_threads() * rows * L);
  prepare_gemms({g.pixels(), L, g.K});
  parallel_for(blocks, 1, [&](Index begin, Index end) {
    T* col = scratch.get() + thread_slot() * rows * L;
    for (Index block = begin; block < end; ++block) {
      const Index first = block * rows, last = std::min(g.pixels(), first + rows);
      if (!g.is_pointwise()) im2col(g, x, first, last, col);
      T* out = y + first * g.K;
      gemm(false, true, last - first, g.K, L, g.is_pointwise() ? x + first * L : col, L, w, L, T(0), out, g.K);
      if (!bias && !relu && !residual) continue;
      for (Index i = 0; i < last - first; ++i, out += g.K) {
        if (bias) {
          for (Index k = 0; k < g.K; ++k) out[k] += bias[k];
        }
        if (residual) {
          const T* from = residual + (first + i) * g.K;
          for (Index k = 0; k < g.K; ++k) out[k] += from[k];
        }
        if (relu) {
          for (Index k = 0; k < g.K; ++k) out[k] = formula::Relu::f(out[k]);
        }
      }
    }
  });
}

template <class T>
void im2col_grad_input(Backend& backend, const ConvGeometry& g, const T* dy, const T* w, T* dx) {
  const Index L = g.length(), rows = g.P * g.Q, pixels = g.H * g.W * g.C;
  const Scratch<T> scratch(backend, cpu_threads() * rows * L);
  prepare_gemms({rows, L, g.K});
  parallel_for(g.N, 1, [&](Index begin, Index end) {
    T* col = scratch.get() + thread_slot() * rows * L;
    for (Index n = begin; n < end; ++n) {
      std::fill_n(dx + n * pixels, pixels, T(0));
      gemm(false, false, rows, L, g.K, dy + n * rows * g.K, g.K, w, L, T(0), col, L);
      col2im(g, col, n, dx);
    }
  });
}

// All threads work on one block at a time, each on its own rows of dw, so that no partial sums need be kept and added.
template <class T>
void im2col_grad_weight(Backend& backend, const ConvGeometry& g, const T* x, const T* dy, T* dw) {
  const Index L = g.length(), rows = std::min(g.pixels(), 2 * block_rows(g, sizeof(T)));
  const Scratch<T> scratch(backend, g.is_pointwise() ? 0 : rows * L);
  for (Index first = 0; first < g.pixels(); first += rows) {
    const Index last = std::min(g.pixels(), first + rows);
    const T* col = x + first * L;
    if (!g.is_pointwise()) {
      parallel_for(last - first, 16, [&](Index begin, Index end) {
        im2col(g, x, first + begin, first + end, scratch.get() + begin * L);
      });
      col = scratch.get();
    }
    parallel_gemm<T>(true, false, g.K, L, last - first, dy + first * g.K, g.K, col, L, first == 0 ? T(0) : T(1), dw, L);
  }
}

#define INSTANTIATE(T)                                                                                           \
  template void im2col_conv<T>(Backend&, const ConvGeometry&, const T*, const T*, const T*, bool, T*, const T*); \
  template void im2col_grad_input<T>(Backend&, const ConvGeometry&, const T*, const T*, T*);                     \
  template void im2col_grad_weight<T>(Backend&, const ConvGeometry&, const T*, const T*, T*)
INSTANTIATE(float);
INSTANTIATE(double);

}  // namespace counterpoise::detail
