// Losses of one output, compared with a number y: z [N] outputs, y [N] targets -> [N], one loss a sample. Where z is a
// logit y is 0 or 1 (1 = positive class), or lies between.
#pragma once

#include "core/ops.h"

namespace counterpoise {

// -- regression: d = z - y --
Var mse(const Var& z, const Tensor& y);  // d^2; gradient 2 d
Var l1(const Var& z, const Tensor& y);   // |d|; gradient sign d, 0 at 0
// d^2 / (2 beta) for |d| < beta, else |d| - beta / 2 (Girshick 2015, arXiv:1504.08083, with PyTorch's beta). beta = 0:
// l1.
Var smooth_l1(const Var& z, const Tensor& y, double beta);
// d^2 / 2 for |d| <= delta, else delta (|d| - delta / 2): Huber 1964. Throws unless delta > 0.
Var huber(const Var& z, const Tensor& y, double delta);
// log cosh d = |d| + log(1 + e^-2|d|) - log 2; gradient tanh d.
Var log_cosh(const Var& z, const Tensor& y);

// -- logits --
// Binary cross-entropy -log p_t, where p = sigmoid(z) and p_t is p for y = 1 and 1 - p for y = 0:
//   w y softplus(-z) + (1 - y) softplus(z),   gradient sigmoid(z) - y for w = 1.
// w = pos_weight multiplies the positive samples' losses, as in PyTorch's BCEWithLogitsLoss. With smoothing the targets
// are y (1 - smoothing) + smoothing / 2, as in Keras.
Var bce(const Var& z, const Tensor& y, double pos_weight = 1, double smoothing = 0);

// alpha-balanced cross-entropy, Lin et al. 2017 (arXiv:1708.02002) eq. 3: alpha weighs the positive class, 1 - alpha
// the other. alpha < 0 means no weights, as in torchvision.
Var balanced_bce(const Var& z, const Tensor& y, double alpha);

// alpha for y = 1 and 1 - alpha for y = 0 times `loss`; the loss itself for alpha < 0.
Var alpha_balanced(const Var& loss, const Tensor& y, double alpha);

// Quality focal loss |y - p|^beta BCE(z, y), Li et al. 2020 (arXiv:2006.04388): focal loss for targets between 0
// and 1. For y in {0, 1} it is focal loss with gamma = beta.
Var quality_focal(const Var& z, const Tensor& y, double beta);

}  // namespace counterpoise
