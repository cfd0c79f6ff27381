#include "losses/binary.h"

namespace counterpoise {

Var mse(const Var& z, const Tensor& y) { return square(z - y); }

Var l1(const Var& z, const Tensor& y) { return abs(z - y); }

Var smooth_l1(const Var& z, const Tensor& y, double beta) { return beta > 0 ? huber(z, y, beta) / beta : l1(z, y); }

Var huber(const Var& z, const Tensor& y, double delta) {
  CP_ENSURE(delta > 0, "huber: delta is ", delta, " but must be positive");
  const Var d = abs(z - y), near = clamp(d, 0, delta);  // one formula: the quadratic part ends at delta
  return near * (d - 0.5 * near);
}

Var log_cosh(const Var& z, const Tensor& y) {
  constexpr double log_2 = 0.69314718055994530942;
  const Var d = abs(z - y);
  return d + softplus(-2 * d) - log_2;
}

Var bce(const Var& z, const Tensor& y, double pos_weight, double smoothing) {
  const Tensor target = smoothing == 0 ? y : affine(y, 1 - smoothing, smoothing / 2).value();
  return affine(target, pos_weight, 0) * softplus(-z) + affine(target, -1, 1) * softplus(z);
}

Var balanced_bce(const Var& z, const Tensor& y, double alpha) { return alpha_balanced(bce(z, y), y, alpha); }

Var alpha_balanced(const Var& loss, const Tensor& y, double alpha) {
  return alpha < 0 ? loss : loss * affine(y, 2 * alpha - 1, 1 - alpha);
}

Var quality_focal(const Var& z, const Tensor& y, double beta) {
  // |y - p| as y (1 - p) - (1 - y) p: for y = 1 a small 1 - p keeps its digits. The floor keeps the slope of the power
  // finite where y = p.
  const Var distance = abs(Var(y) * sigmoid(-z) - affine(y, -1, 1) * sigmoid(z));
  return pow(clamp(distance, 1e-12, 1), beta) * bce(z, y);
}

}  // namespace counterpoise
