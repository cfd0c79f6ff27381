// Convolutions of 3 x 3 at stride 1 by Winograd's algorithm (winograd_transforms.h): a quarter of the products.
#pragma once

#include "kernels/backend.h"

namespace counterpoise {

// y [N, P, Q, K] from x [N, H, W, C] and w [K, 3, 3, C].
struct Conv3x3 {
  Index N, H, W, C, K, P, Q, pad;
};

// The tile size m, 2 or 4, that costs fewer products, or 0 where a direct convolution costs less than either.
int winograd_tile(const Conv3x3& g);

// y = x * w + bias, cut at 0 if `relu`. If `turned`, w is [C, 3, 3, K] and is used with its channels exchanged and its
// taps reversed: this is the way back of a convolution, with pad 2 - pad. The bias may be null.
template <class T>
void winograd_conv(Backend& backend, int tile, const Conv3x3& g, const T* x, const T* w, bool turned, const T* bias,
                   bool relu, T* y);

// dw [K, 3, 3, C].
template <class T>
void winograd_grad_weight(Backend& backend, int tile, const Conv3x3& g, const T* x, const T* dy, T* dw);

}  // namespace counterpoise
