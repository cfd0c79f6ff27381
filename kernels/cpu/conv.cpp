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

// The fastest algorithm that applies. im2col computes every convolution.
template <class T>
void convolve(Backend& backend, const ConvGeometry& g, const T* x, const T* w, const T* bias, bool relu, T* y,
              const T* residual = nullptr) {
  if (direct_is_best(g)) direct_conv(backend, g, x, w, bias, relu, y, residual);
  else if (const int tile = winograd_tile(g)) winograd_conv(backend, tile, g, x, w, false, bias, relu, y, residual);
  else if (pointwise_is_best(g)) pointwise_conv(backend, g, x, w, false, bias, relu, y, residual);
  else im2col_conv(backend, g, x, w, bias, relu, y, residual);
}

// w [K, R, S, C] rotated by 180 degrees with its channels exchanged, [C, R, S, K]: the kernel of the backward pass.
template <class T>
void rotate_kernel(const ConvGeometry& g, const T* w, T* rotated) {
  parallel_for(g.C, 4, [&](Index begin, Index end) {
    for (Index c = begin; c < end; ++c) {
      for (Index rs = 0; rs < g.R * g.S; ++rs) {
        const Index opposite = g.R * g.S - 1 - rs;
        for (Index k = 0; k < g.K; ++k) {
          rotated[(c * g.R * g.S + rs) * g.K + k] = w[(k * g.R * g.S + opposite) * g.C + c];
        }
      }
    }
  });
}

}  // namespace

void CpuBackend::conv2d(const ConstView& x, const ConstView& w, const ConstView& bias, const ConstView& residual,
                        Conv2dParams params, bool relu, const View& y) {
  const ConvGeometry g(x.shape, w.shape, params);
  dispatch(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    convolve(*this, g, x.as<T>(), w.as<T>(), bias.as<T>(), relu, y.as<T>(), residual.as<T>());
  });
}

// At stride 1 the gradient is itself a convolution of dy, with the rotated kernel and padding R - 1 - pad.
void CpuBackend::conv2d_grad_input(const ConstView& dy, const ConstView& w, Conv2dParams params, const View& dx) {
  const ConvGeometry g(dx.shape, w.shape, params);
  dispatch(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (g.stride == 1 && g.R == g.S && g.pad <= g.R - 1) {
      const ConvGeometry back(dy.shape, {g.C, g.R, g.S, g.K}, {1, g.R - 1 - g.pad});
      const T* no_bias = nullptr;
      const int tile = direct_is_best(back) ? 0 : winograd_tile(back);
      if (tile) {
        return winograd_conv(*this, tile, back, dy.as<T>(), w.as<T>(), true, no_bias, false, dx.as<T>());
      }
      if (pointwise_is_best(back)) {
        return pointwise_conv(*this, back, dy.as<T>(), w.as<T>(), true, no_bias, false, dx.as<T>());
      }
      const Scratch<T> rotated(*this, w.size());
      rotate_kernel(g, w.as<T>(), rotated.get());
      return convolve(*this, back, dy.as<T>(), rotated.get(), no_bias, false, dx.as<T>());
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
