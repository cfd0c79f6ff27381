#include "losses/per_output.h"

#include <algorithm>
#include <cmath>

#include "kernels/formulas.h"
#include "losses/binary.h"
#include "losses/class_weights.h"

namespace counterpoise {

namespace {

// The targets of all outputs, in the shape of z; and their numbers on the host.
Tensor targets(const Var& z, const Labels& y) { return z.shape().rank() == 1 ? y.positive : one_hot(z, y); }
std::vector<double> target_values(const Var& z, const Labels& y) {
  return z.shape().rank() == 1 ? y.positive_values : one_hot_values(z.shape()[1], y);
}

std::vector<double> doubles(const Tensor& x) { return x.cast(DType::f64).to_vector<double>(); }

}  // namespace

Var asymmetric(const Var& z, const Labels& y, double gamma_neg, double gamma_pos, double clip) {
  const Tensor is = targets(z, y);
  const Var positive = exp(-gamma_pos * softplus(z)) * softplus(-z);
  Var negative;
  if (clip < 1e-6) {  // (in f32 a smaller one, subtracted from 1, leaves 1, whose log(1 - p) is infinite)
    negative = exp(-gamma_neg * softplus(-z)) * softplus(z);
  } else {
    const Var p = sigmoid(z) - clip;
    // The floor keeps the slope of the power finite where p is below `clip`.
    negative = pow(clamp(p, 1e-12, 1), gamma_neg) * -log1p(-clamp(p, 0, 1));
  }
  return row_sum(is * positive + affine(is, -1, 1) * negative);
}

Var ghm(const Var& z, const Labels& y, int bins, double momentum, LossContext& context) {
  const Tensor is = targets(z, y);
  const std::vector<double> logits = doubles(z.value()), wanted = target_values(z, y);
  std::vector<int> bin(logits.size());
  std::vector<double> count(bins);
  for (size_t i = 0; i < logits.size(); ++i) {
    const double g = std::fabs(formula::Sigmoid::f(logits[i], 0., 0.) - wanted[i]);
    // NaN, of a network that diverged, has no size: whatever its bin, the loss is NaN.
    bin[i] = g < 1 ? std::min(static_cast<int>(g * bins), bins - 1) : bins - 1;
    ++count[bin[i]];
  }
  const double occupied = static_cast<double>(bins - std::count(count.begin(), count.end(), 0.));
  std::vector<double> crowd = count;
  if (momentum > 0) {
    std::vector<double>& seen = context.state["bin-counts"];
    std::vector<double> average = seen.empty() ? count : seen;
    for (int b = 0; b < bins && !seen.empty(); ++b) {
      // A bin that was always empty starts with its first count: averaged with 0, its weight would be huge.
      if (count[b] > 0) average[b] = seen[b] > 0 ? momentum * seen[b] + (1 - momentum) * count[b] : count[b];
    }
    if (context.training) seen = average;
    crowd = average;
  }
  std::vector<double> weights(logits.size());
  const double total = static_cast<double>(logits.size()), K = total / static_cast<double>(y.size());
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = total / (occupied * crowd[bin[i]] * K);
  return row_sum(bce(z, is) * tensor_like(z, z.shape(), weights));
}

Var equalization(const Var& z, const Labels& y, double lambda, const LossContext& context) {
  const Tensor is = one_hot(z, y);
  const std::vector<bool> is_rare = rare_classes(context.counts, lambda);
  const std::vector<double> rare(is_rare.begin(), is_rare.end());
  // A rare class receives no gradient from other classes' samples.
  const Var weights = 1 - tensor_like(z, {z.shape()[1]}, rare) * affine(is, -1, 1);
  return row_sum(bce(z, is) * weights);
}

Var equalization_v2(const Var& z, const Labels& y, double gamma, double mu, double alpha, LossContext& context) {
  const Tensor is = one_hot(z, y);
  const Index K = z.shape()[1];
  std::vector<double>&positive = context.state["positive-gradients"], &negative = context.state["negative-gradients"];
  positive.resize(K), negative.resize(K);
  std::vector<double> as_positive, as_negative;
  for (Index k = 0; k < K; ++k) {
    const bool seen = positive[k] > 0 || negative[k] > 0;
    const double g = seen ? positive[k] / (negative[k] + 1e-10) : 100;
    const double f = formula::Sigmoid::f(gamma * (g - mu), 0., 0.);
    as_negative.push_back(f);
    as_positive.push_back(1 + alpha * (1 - f));
  }
  if (context.training) {
    const std::vector<double> logits = doubles(z.value()), wanted = target_values(z, y);
    for (size_t i = 0; i < logits.size(); ++i) {
      const size_t k = i % K;
      const double g = std::fabs(formula::Sigmoid::f(logits[i], 0., 0.) - wanted[i]);
      positive[k] += wanted[i] * as_positive[k] * g;
      negative[k] += (1 - wanted[i]) * as_negative[k] * g;
    }
  }
  const Var weights = Var(is) * tensor_like(z, {K}, as_positive) + affine(is, -1, 1) * tensor_like(z, {K}, as_negative);
  return row_sum(bce(z, is) * detach(weights));
}

}  // namespace counterpoise
