// Convolutions of 3 x 3 at stride 1 by Winograd's algorithm (winograd_transforms.h): with tiles of 4 x 4 a quarter of
// the products, with tiles of 2 x 2 four ninths. An infinity or a NaN can turn all outputs of its tiles into NaN.
#pragma once

#include "kernels/conv_geometry.h"

namespace counterpoise::detail {

// The tile size m, 2 or 4, that costs fewer products; 0 where a direct convolution costs less than either, or where
// the algorithm does not apply.
int winograd_tile(const ConvGeometry& g);

// y = x * w + bias, clamped at 0 if `relu`. If `rotated`, w is [C, 3, 3, K] and is used with its channels exchanged and
// its taps reversed. This computes the gradient of the input: x is dy, w that of the convolution, and g the geometry of
// the backward pass, whose C is the convolution's K and whose padding is 2 - pad. The bias may be null, and so may the
// residual, which has y's shape and is added before the clamping.
template <class T>
void winograd_conv(Backend& backend, int tile, const ConvGeometry& g, const T* x, const T* w, bool rotated,
                   const T* bias, bool relu, T* y, const T* residual = nullptr);

// dw [K, 3, 3, C].
template <class T>
void winograd_grad_weight(Backend& backend, int tile, const ConvGeometry& g, const T* x, const T* dy, T* dw);

}  // namespace counterpoise::detail
