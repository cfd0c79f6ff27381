// Losses of a whole batch: the overlap of predicted and actual positives. They are one number per batch, not a sum over
// samples, and they do not count true negatives, so that many easy negatives add nothing.
//
// With p the predicted probability of a class, y = 1 for its samples and 0 for others, and v the samples' weights (1
// where there are none), sums over the batch:
//   TP = sum v p y,   FP = sum v p (1 - y),   FN = sum v (1 - p) y
// Binary: of the positive class, p = sigmoid(z). Multi-class: the mean over the classes, p = softmax(z).
//
// Thread safety: these functions use no state of their own. They throw for a label that is not one of the K classes.
#pragma once

#include "losses/labels.h"

namespace counterpoise {

// (1 - TI)^gamma with the Tversky index TI = (TP + smooth) / (TP + alpha FP + beta FN + smooth), Salehi et al. 2017
// (arXiv:1706.05721), as in Keras: alpha is the weight of false positives, beta that of false negatives. The power is
// Abraham and Khan 2019's (arXiv:1810.07842), who call it 1 / gamma: their gamma = 4/3 is 0.75 here, and the alpha of
// their code, the weight of false negatives, is beta. alpha = beta = 1/2
// is the Dice loss 1 - 2 TP / (2 TP + FP + FN), which is 1 - F1 of probabilities. `smooth` avoids 0 / 0 in a batch
// without positives: its loss goes to 0 with FP. z [N] or [N, K]; weights [N] or undefined. -> []
inline Var tversky(const Var& z, const Labels& y, double alpha, double beta, double gamma, double smooth,
                   const Tensor& weights) {
  const bool binary = z.shape().rank() == 1;
  const Index N = z.shape()[0], K = binary ? 1 : z.shape()[1];
  // Columns are classes in both forms: [N, K].
  const Var p = binary ? reshape(sigmoid(z), {N, 1}) : softmax(z);
  const Var q = binary ? reshape(sigmoid(-z), {N, 1}) : 1 - p;
  Tensor is = (binary ? y.positive : one_hot(z, y)).reshape({N, K});
  Tensor is_not = affine(is, -1, 1).value();
  if (weights.defined()) {
    is = (Var(is) * weights.reshape({N, 1})).value();
    is_not = (Var(is_not) * weights.reshape({N, 1})).value();
  }
  const auto total = [&](const Var& x) { return sum_to(x, {1, K}); };
  const Var tp = total(p * is), wrong = alpha * total(p * is_not) + beta * total(q * is);
  const Var miss = wrong / (tp + wrong + smooth);  // 1 - TI, without the difference
  // A power below 1 has an infinite slope at 0; the floor bounds it.
  return mean(gamma == 1 ? miss : pow(clamp(miss, 1e-12, 1), gamma));
}

}  // namespace counterpoise
