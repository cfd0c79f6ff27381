// Convolutions in which few products make an output, such as those of a network's first layer.
//
// Winograd's algorithm transforms each pixel of x, and im2col copies it R S times. That pays if many channels are
// summed afterwards, and not with 3. But a row of a image, padded with zeros, is a matrix as it is: its row q is the
// S C numbers from column q stride on, which overlap with the next row's. A convolution is the product of R such
// matrices, side by side, with the weights; nothing is written beforehand but the zeros around the image.
#pragma once

#include "kernels/conv_geometry.h"

namespace counterpoise::detail {

// Whether this is the fastest way, by measurement.
bool direct_is_best(const ConvGeometry& g);

// y = x * w + bias, clamped at 0 if `relu`. The bias may be null.
template <class T>
void direct_conv(Backend& backend, const ConvGeometry& g, const T* x, const T* w, const T* bias, bool relu, T* y);

template <class T>
void direct_grad_weight(Backend& backend, const ConvGeometry& g, const T* x, const T* dy, T* dw);

}  // namespace counterpoise::detail
