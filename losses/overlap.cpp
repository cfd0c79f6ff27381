#include "losses/overlap.h"

namespace counterpoise {

Var tversky(const Var& z, const Labels& y, double alpha, double beta, double gamma, double smooth,
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
  // A power below 1 has an infinite slope at 0; the floor ends it.
  return mean(gamma == 1 ? miss : pow(clamp(miss, 1e-12, 1), gamma));
}

}  // namespace counterpoise
