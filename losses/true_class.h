// Losses that depend on the probability p_t of the true class alone, and so have one formula for one logit and for a
// logit per class: each is a function of x = true_logit(z, y), p_t = sigmoid(x). [N] -> [N].
//
// Their gradients share a form, too. With dL/dp_t = -h(p_t) / p_t:
//   dL/dx = -(1 - p_t) h(p_t);   multi-class: dL/dz_j = h(p_y) (p_j - [j = y]).
// h = 1 is cross-entropy; h < 1 trusts the sample less. cross-entropy: 1; focal: (1 - p)^gamma + gamma p (1 -
// p)^(gamma-1)
// (-log p); poly-1: 1 + epsilon p; generalized cross-entropy: p^q.
#pragma once

#include "losses/labels.h"

namespace counterpoise {

// Focal loss (1 - p_t)^gamma -log p_t, Lin et al. 2017 (arXiv:1708.02002) eq. 4: easy samples fade. gamma = 0 is
// cross-entropy. Written with softplus there is no power of 0, whose slope is infinite for gamma < 1.
Var focal(const Var& x, double gamma);

// Poly-1: focal + epsilon (1 - p_t)^(gamma + 1), Leng et al. 2022 (arXiv:2204.12511). gamma = 0 is
// cross-entropy with a changed first coefficient; epsilon = 0 is focal.
Var poly1(const Var& x, double epsilon, double gamma = 0);

// Generalized cross-entropy (1 - p_t^q) / q, Zhang and Sabuncu 2018 (arXiv:1805.07836), against wrong labels: hard
// samples count less. q -> 0 is cross-entropy, q = 1 is 1 - p_t.
Var generalized_cross_entropy(const Var& x, double q);

// Symmetric cross-entropy alpha -log p_t + beta 4 (1 - p_t), Wang et al. 2019 (arXiv:1908.06112) with A = -4.
Var symmetric_cross_entropy(const Var& x, double alpha, double beta);

}  // namespace counterpoise
