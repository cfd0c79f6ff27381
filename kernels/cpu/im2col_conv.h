// Convolution as one matrix product, for any kernel, stride and padding. An output pixel is the product of the weights
// with the R x S x C inputs around it; im2col writes these inputs side by side, one row per output pixel, and OpenBLAS
// multiplies:
//
//   col [pixels, R S C]:   y = col w^T        dw = dy^T col        dcol = dy w
//
// In NHWC the S C inputs of one kernel row are contiguous in the image, so a row of col is R plain copies. Only a block
// of rows is written at a time: large enough to pay for OpenBLAS's packing of the weights, small enough to stay in the
// cache. A 1 x 1 convolution at stride 1 is a product already, and col is x itself.
#pragma once

#include "kernels/conv_geometry.h"

namespace counterpoise::detail {

// y = x * w + bias + residual, clamped at 0 if `relu`. The bias and the residual may be null.
template <class T>
void im2col_conv(Backend& backend, const ConvGeometry& g, const T* x, const T* w, const T* bias, bool relu, T* y,
                 const T* residual = nullptr);

template <class T>
void im2col_grad_input(Backend& backend, const ConvGeometry& g, const T* dy, const T* w, T* dx);

// REQUIRES: g.pixels() > 0.
template <class T>
void im2col_grad_weight(Backend& backend, const ConvGeometry& g, const T* x, const T* dy, T* dw);

}  // namespace counterpoise::detail
