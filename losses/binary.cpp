#include "losses/binary.h"

namespace counterpoise {

namespace {

Tensor affine_of(const Tensor& y, double a, double b) {
  Tensor result = Tensor::empty(y.backend(), y.shape(), y.dtype());
  y.backend().unary(Unary::affine, a, b, y, result);
  return result;
}

// +1 for y = 1 and -1 for y = 0, so that z * signs(y) is the logit of the true class.
Tensor signs(const Tensor& y) { return affine_of(y, 2, -1); }

// alpha for y = 1 and 1 - alpha for y = 0.
Tensor alpha_t(const Tensor& y, double alpha) { return affine_of(y, 2 * alpha - 1, 1 - alpha); }

Var weigh(const Var& loss, const Tensor& y, double alpha) { return alpha < 0 ? loss : loss * alpha_t(y, alpha); }

}  // namespace

Var mse(const Var& z, const Tensor& y) { return square(z - y); }

Var bce(const Var& z, const Tensor& y) { return Var(y) * softplus(-z) + affine_of(y, -1, 1) * softplus(z); }

Var balanced_bce(const Var& z, const Tensor& y, double alpha) { return weigh(bce(z, y), y, alpha); }

Var focal(const Var& z, const Tensor& y, double gamma, double alpha) {
  const Var zt = z * signs(y);                                         // p_t = sigmoid(zt)
  return weigh(exp(-gamma * softplus(zt)) * softplus(-zt), y, alpha);  // (1 - p_t)^gamma * -log p_t
}

}  // namespace counterpoise
