// Convolutions whose outputs are sums of few products, such as those of a network's first layer.
//
// Winograd's algorithm transforms each pixel of x, and im2col copies it R S times. That pays off if many channels are
// summed afterwards, but not for 3. Yet a row of an image, padded with zeros, already is a matrix in memory: its row q
// is the S C numbers that begin at column q stride, and overlaps with the next row. A convolution is the product of R
// such matrices, side by side, with the weights; only the padded image is written beforehand. For a kernel of 1 x 1 all
// pixels are one such matrix, and nothing is written.
#pragma once

#include "kernels/conv_geometry.h"

namespace counterpoise::detail {

// Whether this is the fastest algorithm for g, by measurement.
bool direct_is_best(const ConvGeometry& g);

// y = x * w + bias + residual, clamped at 0 if `relu`. The bias and the residual may be null.
template <class T>
void direct_conv(Backend& backend, const ConvGeometry& g, const T* x, const T* w, const T* bias, bool relu, T* y,
                 const T* residual = nullptr);

// The same for kernels of 1 x 1 at stride 1 without padding. If `transposed`, w is [C, 1, 1, K]: this computes the
// gradient of the input, where x is dy, w that of the convolution, and g the geometry of the backward pass.
bool pointwise_is_best(const ConvGeometry& g);
template <class T>
void pointwise_conv(Backend& backend, const ConvGeometry& g, const T* x, const T* w, bool transposed, const T* bias,
                    bool relu, T* y, const T* residual = nullptr);

template <class T>
void direct_grad_weight(Backend& backend, const ConvGeometry& g, const T* x, const T* dy, T* dw);

}  // namespace counterpoise::detail
