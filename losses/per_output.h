// Losses that treat every output as a binary classifier of its own: sigmoid and binary cross-entropy per output. z is
// [N], the logit of the positive class, or [N, K], a logit per class; -> [N], the sum over a sample's outputs.
//
// Detectors are trained in this way. An output sees its own class's samples as positives and all others as negatives;
// for a rare class the many negatives dominate. Each loss here reduces them differently.
//
// Thread safety: functions that take a non-const LossContext update its state, so threads must not share a context.
// All throw for a label that is not one of the K classes.
#pragma once

#include "losses/registry.h"

namespace counterpoise {

// Asymmetric loss, Ben-Baruch et al. 2020 (arXiv:2009.14119), for p = sigmoid(z):
//   positive:  (1 - p)^gamma_pos -log p
//   negative:  p_m^gamma_neg -log(1 - p_m) with p_m = max(p - clip, 0), so that a negative with p < clip contributes 0
Var asymmetric(const Var& z, const Labels& y, double gamma_neg, double gamma_pos, double clip);

// GHM-C, Li et al. 2018 (arXiv:1811.05181). Outputs are sorted by the size of their gradient, g = |p - y|, into equal
// bins of [0, 1], and weighted in inverse proportion to the number of outputs in their bin: binary cross-entropy times
// total / (non-empty bins * count of the bin), divided by K. With momentum m > 0 the counts are running ones,
// m old + (1 - m) new, in the state "bin-counts". The weights are constants to the gradient.
Var ghm(const Var& z, const Labels& y, int bins, double momentum, LossContext& context);

// Equalization loss, Tan et al. 2020 (arXiv:2003.05176): a class whose share n_k / N of the training samples is below
// lambda receives no gradient from other classes' samples.
Var equalization(const Var& z, const Labels& y, double lambda, const LossContext& context);

// Equalization loss v2, Tan et al. 2021 (arXiv:2012.08548). With g the ratio of the positive to the negative gradients
// that a class has received so far (the state "positive-gradients" and "negative-gradients"; 100 before any) and
// f = sigmoid(gamma (g - mu)), negatives are weighted by f and positives by 1 + alpha (1 - f).
Var equalization_v2(const Var& z, const Labels& y, double gamma, double mu, double alpha, LossContext& context);

}  // namespace counterpoise
