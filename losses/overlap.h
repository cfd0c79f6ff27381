// Losses that look at a whole batch at once: the overlap of what was predicted positive with what is. They are one
// number a batch, which does not fall apart into samples, and they know no true negatives: a sea of easy negatives adds
// nothing.
//
// With p the probability of a class, y 1 for its samples, and v the samples' weights (1 where there are none):
//   TP = sum v p y,   FP = sum v p (1 - y),   FN = sum v (1 - p) y.
// Binary: of the positive class, p = sigmoid(z). Multi-class: the mean over the classes, p = softmax(z).
#pragma once

#include "losses/labels.h"

namespace counterpoise {

// (1 - TI)^gamma with Tversky's index TI = (TP + smooth) / (TP + alpha FP + beta FN + smooth), Salehi et al. 2017
// (arXiv:1706.05721), as Keras has it: alpha weighs false positives and beta false negatives; the power is Abraham
// and Khan 2019's (arXiv:1810.07842). alpha = beta = 1/2 is the Dice loss 1 - 2 TP / (2 TP + FP + FN), that is 1 - F1
// of soft decisions. `smooth` keeps a batch without positives from 0 / 0: its loss goes to 0 with FP. weights: [N] or
// undefined. -> []
Var tversky(const Var& z, const Labels& y, double alpha, double beta, double gamma, double smooth,
            const Tensor& weights);

}  // namespace counterpoise
