// Losses of one output per sample, compared with a target: z [N] outputs, y [N] targets -> [N]. Where z is a logit, y
// is 1 for the positive class and 0 for the other, or a probability in between.
//
// Thread safety: these functions use no state of their own.
#pragma once

#include "core/ops.h"

namespace counterpoise {

// -- regression: with the error d = z - y --

// Squared error d^2; gradient 2 d.
inline Var mse(const Var& z, const Tensor& y) { return square(z - y); }

// Absolute error |d|; gradient sign d, and 0 at 0.
inline Var l1(const Var& z, const Tensor& y) { return abs(z - y); }

// Huber 1964: d^2 / 2 for |d| <= delta, else delta (|d| - delta / 2). Throws unless delta > 0.
inline Var huber(const Var& z, const Tensor& y, double delta) {
  CP_ENSURE(delta > 0, "huber: delta is ", delta, " but must be positive");
  const Var d = abs(z - y), near = clamp(d, 0, delta);  // one formula: the quadratic part ends at delta
  return near * (d - 0.5 * near);
}

// Girshick 2015 (arXiv:1504.08083), with PyTorch's beta: d^2 / (2 beta) for |d| < beta, else |d| - beta / 2.
// beta = 0 is l1.
inline Var smooth_l1(const Var& z, const Tensor& y, double beta) {
  return beta > 0 ? huber(z, y, beta) / beta : l1(z, y);
}

// log cosh d = |d| + log(1 + e^-2|d|) - log 2; gradient tanh d.
inline Var log_cosh(const Var& z, const Tensor& y) {
  constexpr double log_2 = 0.69314718055994530942;
  const Var d = abs(z - y);
  return d + softplus(-2 * d) - log_2;
}

// -- logits --

// Binary cross-entropy -log p_t, where p = sigmoid(z) and p_t is p for y = 1 and 1 - p for y = 0:
//   w y softplus(-z) + (1 - y) softplus(z),   gradient sigmoid(z) - y for w = 1.
// w = pos_weight multiplies the losses of positive samples, as in PyTorch's BCEWithLogitsLoss. Label smoothing replaces
// y by y (1 - smoothing) + smoothing / 2, as in Keras.
inline Var bce(const Var& z, const Tensor& y, double pos_weight = 1, double smoothing = 0) {
  const Tensor target = smoothing == 0 ? y : affine(y, 1 - smoothing, smoothing / 2).value();
  return affine(target, pos_weight, 0) * softplus(-z) + affine(target, -1, 1) * softplus(z);
}

// `loss` times alpha for y = 1 and 1 - alpha for y = 0; `loss` itself for alpha < 0, as in torchvision.
inline Var alpha_balanced(const Var& loss, const Tensor& y, double alpha) {
  return alpha < 0 ? loss : loss * affine(y, 2 * alpha - 1, 1 - alpha);
}

// alpha-balanced cross-entropy, Lin et al. 2017 (arXiv:1708.02002) eq. 3.
inline Var balanced_bce(const Var& z, const Tensor& y, double alpha) { return alpha_balanced(bce(z, y), y, alpha); }

// Quality focal loss |y - p|^beta BCE(z, y), Li et al. 2020 (arXiv:2006.04388): focal loss for targets between 0 and 1.
// For y in {0, 1} it is focal loss with gamma = beta.
inline Var quality_focal(const Var& z, const Tensor& y, double beta) {
  // |y - p| as y (1 - p) - (1 - y) p: for y = 1 a small 1 - p keeps its digits. The floor keeps the slope of the power
  // finite where y = p.
  const Var distance = abs(Var(y) * sigmoid(-z) - affine(y, -1, 1) * sigmoid(z));
  return pow(clamp(distance, 1e-12, 1), beta) * bce(z, y);
}

}  // namespace counterpoise
