#include "apps/trainer/post_mortem.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/trainer/metrics_json.h"
#include "core/io/file.h"
#include "layers/weights.h"

namespace counterpoise {

void PostMortem::remember(const Batch& batch, const Step& step, const Tensor& logits) {
  constexpr size_t kept = 3;  // on a GPU the step after the one that diverged may have begun
  steps_.push_back({step, batch.samples, batch.labels, logits});
  if (steps_.size() > kept) steps_.pop_front();
}

void PostMortem::write(const std::string& folder, const std::string& message, const Module& model,
                       const ImageDataset& set) const {
  using Json = nlohmann::ordered_json;
  Json json = {{"message", message}};
  for (const Remembered& r : steps_) {
    Json step = {{"step", r.step.index + 1}, {"epoch", r.step.epoch}, {"lr", r.step.lr}};
    const std::vector<double> z = r.logits.cast(DType::f64).to_vector<double>();
    const size_t K = r.samples.empty() ? 1 : z.size() / r.samples.size();
    for (size_t n = 0; n < r.samples.size(); ++n) {
      const auto row = z.begin() + static_cast<std::ptrdiff_t>(n * K);
      step["batch"].push_back({{"path", set.samples()[r.samples[n]].path},
                               {"class", set.classes()[r.labels[n]]},
                               {"logits", std::vector<double>(row, row + static_cast<std::ptrdiff_t>(K))}});
    }
    json["steps"].push_back(step);
  }
  for (const Parameter& p : model.parameters()) {
    const std::vector<double> values = p.var.value().cast(DType::f64).to_vector<double>();
    const auto strange = std::count_if(values.begin(), values.end(), [](double x) { return !std::isfinite(x); });
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    json["parameters"].push_back({{"name", p.name}, {"lowest", *low}, {"highest", *high}, {"not_finite", strange}});
  }
  make_directories(folder);
  write_file(folder + "/post-mortem.json", json_text(json));
  save_weights(model, folder + "/weights.safetensors");
}

}  // namespace counterpoise
