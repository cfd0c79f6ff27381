#include "losses/multiclass.h"

#include <algorithm>
#include <cmath>

namespace counterpoise {

Var cross_entropy(const Var& z, const Labels& y, double smoothing, const std::vector<double>& weights,
                  int32_t ignore_index) {
  const bool ignoring = std::count(y.classes.begin(), y.classes.end(), ignore_index) > 0;
  if (smoothing == 0 && weights.empty() && !ignoring && !y.probabilities.defined()) {
    return -gather(log_softmax(z), y.index);
  }
  CP_ENSURE(z.shape().rank() == 2, "cross-entropy: z is ", z.shape(), " but should be [N, K]");
  const Index N = z.shape()[0], K = z.shape()[1];
  // coefficients[n, k] = w_k t_nk for smoothed targets t; the loss is their product with -log p.
  std::vector<double> coefficients(N * K);
  if (y.probabilities.defined()) coefficients = y.probability_values;
  for (Index n = 0; n < N; ++n) {
    double* row = coefficients.data() + n * K;
    const int32_t label = y.classes[n];
    if (!y.probabilities.defined()) {
      if (label == ignore_index) continue;
      CP_ENSURE(0 <= label && label < K, "cross-entropy: label ", label, " is not one of the ", K, " classes");
      row[label] = 1;
    }
    // As in PyTorch, the weight of a class applies to its share of the smoothed target.
    for (Index k = 0; k < K; ++k) row[k] = ((1 - smoothing) * row[k] + smoothing / double(K));
    for (Index k = 0; k < K && !weights.empty(); ++k) row[k] *= weights.at(k);
  }
  // A logit of minus infinity gives log p = -inf, and 0 times that would be NaN.
  return -row_sum(clamp(log_softmax(z), -1e30, 0) * tensor_like(z, {N, K}, coefficients));
}

Var ldam(const Var& z, const Labels& y, const std::vector<int64_t>& counts, double max_margin, double scale) {
  const std::vector<double> n = at_least_one(counts);
  const double rarest = *std::min_element(n.begin(), n.end());
  std::vector<double> margins;
  for (const double count : n) margins.push_back(max_margin * std::pow(rarest / count, 0.25));
  const Tensor margin = by_class(z, y, margins).reshape({y.size(), 1});
  return cross_entropy((z - Var(one_hot(z, y)) * margin) * scale, y);
}

Var vector_scaling(const Var& z, const Labels& y, const std::vector<int64_t>& counts, double gamma, double tau) {
  return vector_scaling(z, y, logit_scaling(counts, gamma, tau));
}

Var vector_scaling(const Var& z, const Labels& y, const LogitScaling& scaling) {
  const std::vector<double>&delta = scaling.scale, &iota = scaling.shift;
  const Index K = static_cast<Index>(delta.size());
  if (z.shape().rank() == 1) {
    CP_ENSURE(K == 2, "one logit tells two classes apart, but there are counts of ", K);
    const std::vector<double> difference = {iota[0] - iota[1], iota[1] - iota[0]};
    return softplus(-(true_logit(z, y) * by_class(z, y, delta) + by_class(z, y, difference)));
  }
  return cross_entropy(z * tensor_like(z, {K}, delta) + tensor_like(z, {K}, iota), y);
}

Var hinge(const Var& z, const Labels& y, double margin) {
  if (z.shape().rank() == 1) return relu(margin - true_logit(z, y));
  const Index N = z.shape()[0], K = z.shape()[1];
  const Var others = affine(one_hot(z, y), -1, 1);
  return row_sum(relu(margin - reshape(gather(z, y.index), {N, 1}) + z) * others) / double(K);
}

}  // namespace counterpoise
