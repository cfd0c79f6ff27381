// Softmax losses whose weights depend on the batches seen so far, or on how each sample is predicted. z [N, K] -> [N].
//
// Thread safety: functions that take a non-const LossContext update its state, so threads must not share a context.
#pragma once

#include "losses/registry.h"

namespace counterpoise {

// Softmax equalization loss, Tan et al. 2020 (arXiv:2003.05176): classes whose share of the training samples is below
// lambda are left out of other classes' softmax, each with probability gamma. Which ones depends on the seed and the
// number of batches so far (the state "batches").
Var softmax_equalization(const Var& z, const Labels& y, double gamma, double lambda, LossContext& context);

// Seesaw loss, Wang et al. 2020 (arXiv:2008.10032): cross-entropy in which class j's term, for a sample of class y, is
// multiplied by
//   S = min(1, (n_j / n_y)^p) max(1, (p_j / p_y)^q)
// A rarer class j receives less negative gradient, unless the sample is mistaken for it. n are the samples seen so far
// in training, at least 1 (the state "seen"; before any, the training counts). S is a constant to the gradient, and its
// p_y is clamped at 0.01. Throws Error(invalid_argument) where neither is known.
Var seesaw(const Var& z, const Labels& y, double p, double q, LossContext& context);

// Influence-balanced loss, Park et al. 2021 (arXiv:2110.02444): cross-entropy times
//   lambda_y alpha / (||p - e_y||_1 ||h||_1 + eps),   ||p - e_y||_1 = 2 (1 - p_y)
// with lambda_k in proportion to 1 / n_k, adding up to K, and h the features that the last layer sees: a sample with
// much influence on the decision boundary is down-weighted. Plain cross-entropy before the fraction `start` of
// training. With `detach` the weight is a constant to the gradient, which in the authors' code it is not. lambda is in
// the loss: class weights would multiply it again.
Var influence_balanced(const Var& z, const Labels& y, double alpha, double eps, bool detach, double start,
                       const LossContext& context);

}  // namespace counterpoise
