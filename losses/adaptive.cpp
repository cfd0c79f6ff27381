#include "losses/adaptive.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/random.h"
#include "losses/class_weights.h"
#include "losses/multiclass.h"

namespace counterpoise {

Var softmax_equalization(const Var& z, const Labels& y, double gamma, double lambda, LossContext& context) {
  const Index N = z.shape()[0], K = z.shape()[1];
  const std::vector<bool> is_rare = rare_classes(context.counts, lambda);
  std::vector<double>& batches = context.state["batches"];
  batches.resize(1);
  Random rng(context.seed, Stream::loss, static_cast<uint64_t>(batches[0]));
  if (context.training) ++batches[0];
  std::vector<double> mask(N * K);
  for (Index n = 0; n < N; ++n) {
    for (Index k = 0; k < K; ++k) {
      const bool chosen = rng.uniform() < gamma;  // one number per output, used or not
      if (chosen && is_rare[k] && k != y.classes[n]) mask[n * K + k] = -std::numeric_limits<double>::infinity();
    }
  }
  return cross_entropy(z + tensor_like(z, {N, K}, mask), y);
}

Var seesaw(const Var& z, const Labels& y, double p, double q, LossContext& context) {
  const Index N = z.shape()[0], K = z.shape()[1];
  std::vector<double>& seen = context.state["seen"];
  if (context.training) {
    seen.resize(K);
    for (const int32_t label : y.classes) ++seen.at(label);
  }
  std::vector<double> n = seen;
  if (n.empty()) n.assign(context.counts.begin(), context.counts.end());
  CP_ENSURE_AS(invalid_argument, n.size() == static_cast<size_t>(K),
               "seesaw: needs the number of training samples of each of the ", K, " classes, or a state from training");
  for (double& count : n) count = std::max(count, 1.);

  const std::vector<double> log_p = log_softmax(detach(z)).value().cast(DType::f64).to_vector<double>();
  std::vector<double> log_s(N * K);
  for (Index i = 0; i < N; ++i) {
    const int32_t label = y.classes[i];
    // p_y is clamped at 0.01, so that one badly predicted sample does not outweigh its batch.
    const double log_py = std::max(log_p[i * K + label], std::log(1e-2));
    for (Index k = 0; k < K; ++k) {
      if (k == label) continue;
      log_s[i * K + k] = p * std::min(0., std::log(n[k] / n[label])) + q * std::max(0., log_p[i * K + k] - log_py);
    }
  }
  return cross_entropy(z + tensor_like(z, {N, K}, log_s), y);
}

Var influence_balanced(const Var& z, const Labels& y, double alpha, double eps, bool detached, double start,
                       const LossContext& context) {
  const Var loss = cross_entropy(z, y);
  if (context.progress < start) return loss;
  Var influence = 2 * sigmoid(-true_logit(z, y));
  if (context.feature_norms.defined()) influence = influence * context.feature_norms;
  const Var weight = by_class(z, y, inverse_weights(context.counts)) * alpha / (influence + eps);
  return loss * (detached ? detach(weight) : weight);
}

}  // namespace counterpoise
