// Losses for two classes, one logit a sample: z > 0 speaks for the positive class. All work on logits, because in
// float a probability of 1 - 1e-8 is 1, and its logarithm's complement is lost.
//
// z [N] logits, y [N] targets in {0, 1} (1 = positive class) -> [N], one loss a sample; compute() in registry.h makes
// one number.
#pragma once

#include "core/ops.h"

namespace counterpoise {

// Squared error (z - y)^2 of the output itself, as in linear regression.
Var mse(const Var& z, const Tensor& y);

// Binary cross-entropy -log p_t, where p = sigmoid(z) and p_t is p for y = 1 and 1 - p for y = 0:
//   y softplus(-z) + (1 - y) softplus(z),   gradient sigmoid(z) - y.   Targets between 0 and 1 are allowed.
Var bce(const Var& z, const Tensor& y);

// alpha-balanced cross-entropy, Lin et al. 2017 (arXiv:1708.02002) eq. 3: alpha weighs the positive class, 1 - alpha
// the other. alpha < 0 means no weights, as in torchvision.
Var balanced_bce(const Var& z, const Tensor& y, double alpha);

// Focal loss, Lin et al. 2017 (arXiv:1708.02002) eq. 5: -alpha_t (1 - p_t)^gamma log p_t. Easy samples fade:
// gamma = 0 is balanced_bce. alpha as there.
Var focal(const Var& z, const Tensor& y, double gamma, double alpha);

}  // namespace counterpoise
