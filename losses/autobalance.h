// AutoBalance's training loss, whose parameters are learned on validation samples instead of being computed from the
// class counts: Li, Zhang, Thrampoulidis, Chen and Oymak 2021 (arXiv:2201.01212). optim/hyper_gradient.h learns them.
//
// Thread safety: these functions use no state of their own.
#pragma once

#include "losses/registry.h"

namespace counterpoise {

// Cross-entropy of the adjusted logits u_k = sigmoid(Delta_k) z_k + l_k, the paper's parametric cross-entropy with
// the sigmoid of its authors' code, which keeps the factor between 0 and 1. delta and l are [K], in z's dtype and on
// its backend; gradients flow to them as to z. Per sample, with s = sigmoid(Delta), q = softmax(u) and e the one-hot
// label:
//
//   dL/dz_j = s_j (q_j - e_j),   dL/dl_j = q_j - e_j,   dL/dDelta_j = s_j (1 - s_j) z_j (q_j - e_j)
//
//   a logit per class, z [N, K]   -log softmax(u)_y
//   one logit, z [N], K = 2       softplus(-(sigmoid(Delta_y) x + l_y - l_other)),  x = z or -z the true class's logit
//
// The form of one logit is that of the binary vector scaling loss (Kini et al. 2021, arXiv:2103.01550; vs in the
// table of losses): Delta is that of the sample's true class, because the difference of two logits, (s_1 z_1 - s_0
// z_0), leaves of one logit z = z_1 - z_0 nothing but a common temperature. Predictions are made with the raw z.
// -> [N]. Throws for a label that is not one of the K classes.
Var autobalance(const Var& z, const Labels& y, const Var& delta, const Var& l);

// The same with the context's "delta" and "l": its variables; where one is missing, the lists of numbers in its state;
// where these are missing, the initial values of initial_autobalance(). Throws Error(bad_data) for lists that are not
// of K numbers.
Var autobalance(const Var& z, const Labels& y, const LossContext& context);

// Where learning begins, as in the authors' code: "delta" is 1 for each of the K classes, and "l" is tau log(n_k / N),
// so that tau = 0 is a common temperature and tau = 1 logit adjustment. A class without samples counts as one.
LossState initial_autobalance(const std::vector<int64_t>& counts, double tau);

// Scales and shifts, sigmoid(Delta) and l, of the lists of numbers in the context's state, else of the initial values.
LogitScaling autobalance_scaling(const LossContext& context);

}  // namespace counterpoise
