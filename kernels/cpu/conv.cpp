// Which algorithm the cpu backend takes for a convolution.
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/im2col_conv.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/winograd.h"
#include "kernels/scratch.h"

namespace counterpoise {

using namespace detail;

namespace {

// w [C, R, S, K] rotated by 180 degrees with its channels exchanged, [K, R, S, C]: the kernel of the backward pass.
template <class T>
void rotate_kernel(const ConvGeometry& g, const T* w, T* rotated) {
  parallel_for(g.K, 4, [&](Index begin, Index end) {
    for (Index k = begin; k < end; ++k) {
      for (Index rs = 0; rs < g.R * g.S; ++rs) {
        const Index opposite = g.R * g.S - 1 - rs;
        for (Index c = 0; c < g.C; ++c) {
          rotated[(k * g.R * g.S + rs) * g.C + c] = w[(c * g.R * g.S + opposite) * g.K + k];
        }
      }
    }
  });
}

// By the fastest algorithm that applies; im2col computes every convolution. If `rotated`, with w [C, R, S, K] rotated.
template <class T>
void convolve(Backend& backend, const ConvGeometry& g, const T* x, const T* w, bool rotated, const T* bias, bool relu,
              T* y, const T* residual) {
  const bool direct = direct_is_best(g);
  const int tile = direct ? 0 : winograd_tile(g);
  if (tile) return winograd_conv(backend, tile, g, x, w, rotated, bias, relu, y, residual);
  if (pointwise_is_best(g)) return pointwise_conv(backend, g, x, w, rotated, bias, relu, y, residual);
  const Scratch<T> memory(backend, rotated ? g.K * g.length() : 0);
  if (rotated) rotate_kernel(g, w, memory.get()), w = memory.get();
  if (direct) direct_conv(backend, g, x, w, bias, relu, y, residual);
  else im2col_conv(backend, g, x, w, bias, relu, y, residual);
}

}  // namespace

void CpuBackend::conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, const ConstView& residual,
                        Conv2dParams params, bool relu, const View& y) {
  const ConvGeometry g(x.shape, w.shape, params);
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    convolve(*this, g, x.as<T>(), w.as<T>(), false, bias.as<T>(), relu, y.as<T>(), residual.as<T>());
  });
}

// At stride 1 the gradient is itself a convolution of dy, with the rotated kernel and padding R - 1 - pad.
void CpuBackend::conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) {
  const ConvGeometry g(dx.shape, w.shape, params);
  dispatch(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (g.stride == 1 && g.R == g.S && g.pad <= g.R - 1) {
      const ConvGeometry back(dy.shape, {g.C, g.R, g.S, g.K}, {1, g.R - 1 - g.pad});
      const T* const none = nullptr;
      return convolve(*this, back, dy.as<T>(), w.as<T>(), true, none, false, dx.as<T>(), none);
    }
    im2col_grad_input(*this, g, dy.as<T>(), w.as<T>(), dx.as<T>());
  });
}

void CpuBackend::conv2d_grad_weight(const ConstView& x, const ConstView& dy, Conv2dParams params, const View& dw) {
  const ConvGeometry g(x.shape, dw.shape, params);
  if (g.pixels() == 0) return fill(0, dw);
  dispatch(dw.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *px = x.as<T>(), *pdy = dy.as<T>();
    if (direct_is_best(g)) direct_grad_weight(*this, g, px, pdy, dw.as<T>());
    else if (const int tile = winograd_tile(g)) winograd_grad_weight(*this, tile, g, px, pdy, dw.as<T>());
    else im2col_grad_weight(*this, g, px, pdy, dw.as<T>());
  });
}

}  // namespace counterpoise
