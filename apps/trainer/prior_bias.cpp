#include "apps/trainer/prior_bias.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/sampler.h"

namespace counterpoise {

namespace {

// The classes' shares, as the loss sees them.
std::vector<double> shares_of(const TrainingData& data, const Options& o) {
  const SamplerRun run{static_cast<uint64_t>(o.seed), 1, static_cast<uint64_t>(o.epochs), o.batch_size};
  std::vector<double> shares = find_sampler(o.sampler).shares(data.counts, run);
  // Deferred weights are not there yet.
  const bool weighted = !data.class_weights.empty() && o.defer_weights == 0;
  for (size_t k = 0; k < shares.size(); ++k) shares[k] *= weighted ? data.class_weights[k] : 1;
  if (const double* factor = o.loss_spec.find("pos-weight")) {
    const double n = static_cast<double>(data.counts[data.positive]);
    shares[data.positive] *= *factor >= 0 ? *factor : static_cast<double>(data.counts[1 - data.positive]) / n;
  }
  return shares;
}

// The logits with these probabilities. (constant_logits() without a scaling rounds them otherwise, with which every seed
// would lead to another training.)
std::vector<float> prior_logits(const std::vector<double>& shares, int outputs, int positive) {
  std::vector<float> z;
  for (const double share : shares) z.push_back(static_cast<float>(std::log(share)));
  if (outputs == 1) return {z[positive] - z[1 - positive]};
  const float mean = std::accumulate(z.begin(), z.end(), 0.0f) / static_cast<float>(z.size());
  for (float& b : z) b -= mean;
  return z;
}

}  // namespace

void set_prior_bias(Model& model, const TrainingData& data, const Options& o, const Loss& loss) {
  const LossInfo& info = loss.info();
  const std::optional<LogitScaling> scaling = loss.scaling();
  if (info.is(LossInfo::batch_level) || info.defaults.threshold != 0) return;
  if (info.is(LossInfo::needs_counts) && !scaling) return;
  const std::vector<double> shares = shares_of(data, o);
  if (std::any_of(shares.begin(), shares.end(), [](double share) { return !(share > 0); })) return;  // one never seen
  std::vector<float> bias = prior_logits(shares, o.model.outputs, data.positive);
  if (scaling) {
    const std::vector<double> z = constant_logits(*scaling, shares, o.model.outputs, data.positive);
    bias.assign(z.begin(), z.end());
  }
  for (Parameter& p : model.head().parameters()) {
    if (p.name == "bias") p.var.set_value(Tensor::from(p.var.backend(), p.var.shape(), bias));
  }
}

}  // namespace counterpoise
