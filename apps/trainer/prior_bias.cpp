#include "apps/trainer/prior_bias.h"

#include <cmath>
#include <numeric>

#include "data/sampler.h"

namespace counterpoise {

void set_prior_bias(Model& model, const TrainingData& data, const Options& o) {
  const LossInfo& loss = *o.loss;
  if (loss.is(LossInfo::needs_counts) || loss.is(LossInfo::batch_level) || loss.defaults.threshold != 0) return;
  const SamplerRun run{static_cast<uint64_t>(o.seed), 1, static_cast<uint64_t>(o.epochs), o.batch_size};
  std::vector<double> shares = find_sampler(o.sampler).shares(data.counts, run);
  // Deferred weights are not there yet.
  const bool weighted = !data.class_weights.empty() && o.defer_weights == 0;
  for (size_t k = 0; k < shares.size(); ++k) shares[k] *= weighted ? data.class_weights[k] : 1;
  if (const double* factor = o.loss_spec.find("pos-weight")) {
    const double n = static_cast<double>(data.counts[data.positive]);
    shares[data.positive] *= *factor >= 0 ? *factor : static_cast<double>(data.counts[1 - data.positive]) / n;
  }
  std::vector<float> bias;
  for (const double share : shares) {
    if (!(share > 0)) return;  // a class that is never seen
    bias.push_back(static_cast<float>(std::log(share)));
  }
  if (o.model.outputs == 1) {
    bias = {bias[data.positive] - bias[1 - data.positive]};
  } else {
    const float mean = std::accumulate(bias.begin(), bias.end(), 0.0f) / static_cast<float>(bias.size());
    for (float& b : bias) b -= mean;
  }
  for (Parameter& p : model.head().parameters()) {
    if (p.name == "bias") p.var.set_value(Tensor::from(p.var.backend(), p.var.shape(), bias));
  }
}

}  // namespace counterpoise
