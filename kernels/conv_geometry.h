// The extents of a convolution of x [N, H, W, C] with w [K, R, S, C] to y [N, P, Q, K].
#pragma once

#include "kernels/backend.h"

namespace counterpoise::detail {

struct ConvGeometry {
  Index N, H, W, C, K, R, S, P, Q, stride, pad;

  ConvGeometry(const Shape& x, const Shape& w, Conv2dParams params)
      : N(x[0]),
        H(x[1]),
        W(x[2]),
        C(x[3]),
        K(w[0]),
        R(w[1]),
        S(w[2]),
        P(params.out(H, R)),
        Q(params.out(W, S)),
        stride(params.stride),
        pad(params.pad) {}

  CP_HD Index pixels() const { return N * P * Q; }  // of y
  CP_HD Index length() const { return R * S * C; }  // products in an element of y
  // Whether it is the product of the pixels, as they are, with the weights.
  bool is_pointwise() const { return R == 1 && S == 1 && stride == 1 && pad == 0; }
};

// Whether a buffer of so many bytes is evicted from the caches before it is read again.
constexpr bool beyond_caches(Index bytes) { return bytes >= Index(8) << 20; }

}  // namespace counterpoise::detail
