// Losses that depend on the probability p_t of the true class alone, and therefore have one formula for one logit and
// for a logit per class. Each is a function of x = true_logit(z, y), with p_t = sigmoid(x): [N] -> [N].
//
// Their gradients share a form, too. With dL/dp_t = -h(p_t) / p_t:
//   dL/dx = -(1 - p_t) h(p_t);   multi-class: dL/dz_j = h(p_y) (p_j - [j = y])
// Where h < 1 the gradient is smaller than that of cross-entropy:
// clang-format off
//   cross-entropy               1
//   focal                       (1 - p)^gamma + gamma p (1 - p)^(gamma - 1) (-log p)
//   poly-1                      1 + epsilon p
//   generalized cross-entropy   p^q
// clang-format on
//
// Thread safety: these functions use no state of their own.
#pragma once

#include "losses/labels.h"

namespace counterpoise {

namespace detail {
inline Var neg_log_p(const Var& x) { return softplus(-x); }
// (1 - p_t)^gamma
inline Var miss(const Var& x, double gamma) { return exp(-gamma * softplus(x)); }
}  // namespace detail

// Focal loss (1 - p_t)^gamma -log p_t, Lin et al. 2017 (arXiv:1708.02002) eq. 4: easy samples are down-weighted.
// gamma = 0 is cross-entropy. Written with softplus there is no power of 0, whose slope is infinite for gamma < 1.
inline Var focal(const Var& x, double gamma) {
  return gamma == 0 ? detail::neg_log_p(x) : detail::miss(x, gamma) * detail::neg_log_p(x);
}

// Poly-1, Leng et al. 2022 (arXiv:2204.12511): focal + epsilon (1 - p_t)^(gamma + 1). gamma = 0 is cross-entropy with
// another first coefficient; epsilon = 0 is focal.
inline Var poly1(const Var& x, double epsilon, double gamma = 0) {
  return focal(x, gamma) + epsilon * detail::miss(x, gamma + 1);
}

// Generalized cross-entropy (1 - p_t^q) / q, Zhang and Sabuncu 2018 (arXiv:1805.07836), robust to wrong labels: hard
// samples are down-weighted. q -> 0 is cross-entropy, q = 1 is 1 - p_t.
inline Var generalized_cross_entropy(const Var& x, double q) {
  if (q == 0) return detail::neg_log_p(x);
  return expm1(-q * detail::neg_log_p(x)) * (-1 / q);
}

// Symmetric cross-entropy alpha -log p_t + beta 4 (1 - p_t), Wang et al. 2019 (arXiv:1908.06112) with A = -4.
inline Var symmetric_cross_entropy(const Var& x, double alpha, double beta) {
  constexpr double A = -4;  // the paper's value of log 0
  return alpha * detail::neg_log_p(x) + (-A * beta) * detail::miss(x, 1);
}

}  // namespace counterpoise
