// Losses for K classes, K logits a sample.
#pragma once

#include "core/ops.h"

namespace counterpoise {

// Softmax cross-entropy: log sum_k e^z_k - z_y. z [N, K], label [N] i32 in [0, K) -> [N].
Var cross_entropy(const Var& z, const Tensor& label);

}  // namespace counterpoise
