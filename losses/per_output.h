// Losses that take every output for a yes-or-no question of its own: sigmoid and binary cross-entropy per output. z [N]
// logits of the positive class, or [N, K] a logit for each class; -> [N], the sum over the outputs of a sample.
//
// Detectors are trained so: an output sees its own class's samples as positives and all others as negatives, and for a
// rare class those negatives are what drowns it. Each loss here quiets them in its own way.
#pragma once

#include "losses/registry.h"

namespace counterpoise {

// Asymmetric loss, Ridnik et al. 2020 (arXiv:2009.14119): (1 - p)^gamma_pos -log p for a positive, and
// p_m^gamma_neg -log(1 - p_m) with p_m = max(p - clip, 0) for a negative: negatives below `clip` count nothing.
Var asymmetric(const Var& z, const Labels& y, double gamma_neg, double gamma_pos, double clip);

// GHM-C, Li et al. 2018 (arXiv:1811.05181): outputs are sorted by g = |p - y|, the size of their gradient, into
// equal bins of [0, 1], and each counts in inverse proportion to how crowded its bin is: binary cross-entropy times
// total / (non-empty bins * count of the bin), divided by K. With momentum m the counts are running ones, in the state
// "bin-counts": m old + (1 - m) new. The weights are constants to the gradient.
Var ghm(const Var& z, const Labels& y, int bins, double momentum, LossContext& context);

// Equalization loss, Tan et al. 2020 (arXiv:2003.05176): a class whose share n_k / N of the training samples is
// below lambda gets no gradient from other classes' samples.
Var equalization(const Var& z, const Labels& y, double lambda, const LossContext& context);

// Equalization loss v2, Tan et al. 2021 (arXiv:2012.08548): with g the ratio of the gradients that a class has
// had as positive and as negative so far (the state "positive-gradients" and "negative-gradients"; 100 at first), and
// f = sigmoid(gamma (g - mu)), negatives count f and positives 1 + alpha (1 - f).
Var equalization_v2(const Var& z, const Labels& y, double gamma, double mu, double alpha, LossContext& context);

}  // namespace counterpoise
