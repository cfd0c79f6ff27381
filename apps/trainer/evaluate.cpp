#include "apps/trainer/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/trainer/format.h"
#include "apps/trainer/stop_signal.h"
#include "data/tables/csv.h"

namespace counterpoise {

Evaluation evaluate(Module& model, DataLoader& loader, const Decision& decision) {
  const NoGrad no_grad;
  const Dataset& set = loader.dataset();
  const std::vector<size_t> order = loader.order(1);
  const bool was_training = model.training();
  model.train(false);
  Evaluation result;
  loader.start(1, order);
  for (Batch batch; !stop_signal() && loader.next(batch);) {
    const Var z = model(batch.x);
    for (double logit : logits(z.value(), decision)) result.logits.push_back(logit);
    result.samples.insert(result.samples.end(), batch.samples.begin(), batch.samples.end());
  }
  model.train(was_training);

  const auto strange =
      std::count_if(result.logits.begin(), result.logits.end(), [](double z) { return !std::isfinite(z); });
  CP_ENSURE_AS(diverged, strange == 0, "the network's outputs for ", strange, " of ", result.logits.size(),
               " images are NaN or infinite");
  result.counts = confusion(result.logits, is_positive(set, result, decision.positive), decision.cut);
  result.unreadable = set.unreadable().size();
  CP_ENSURE_AS(bad_data, !result.samples.empty() || stop_signal(), "none of the ", order.size(),
               " images to evaluate can be read",
               result.unreadable ? "; the first: " + set.unreadable().begin()->second : "");
  return result;
}

std::vector<bool> is_positive(const Dataset& set, const Evaluation& evaluation, int32_t positive) {
  std::vector<bool> y;
  for (size_t i : evaluation.samples) y.push_back(set.label(i) == positive);
  return y;
}

std::string report(const Confusion& c, const std::vector<std::string>& classes, int32_t positive) {
  char numbers[160];
  std::snprintf(numbers, sizeof numbers, "  accuracy  %.4f\n  precision %.4f\n  recall    %.4f\n  F1        %.4f\n",
                c.accuracy(), c.precision(), c.recall(), c.f1());
  return table(c, printable(classes[positive]), printable(classes[1 - positive])) + "\n" + numbers;
}

Scores scores(const Dataset& set, const Evaluation& e, const Decision& decision) {
  return {decision.origin == 0 ? Scores::logit : Scores::number, e.logits, is_positive(set, e, decision.positive)};
}

std::string predictions_csv(const ImageDataset& set, const Evaluation& e, int32_t positive) {
  std::string csv = "path,label,logit\n";
  for (size_t i = 0; i < e.samples.size(); ++i) {
    const ImageDataset::Sample& sample = set.samples()[e.samples[i]];
    char rest[64];
    std::snprintf(rest, sizeof rest, ",%d,%.9g\n", sample.label == positive ? 1 : 0, e.logits[i]);
    csv += csv_field(sample.path) + rest;
  }
  return csv;
}

std::string unreadable_notice(const Dataset& set, const std::string& what) {
  const auto unreadable = set.unreadable();
  if (unreadable.empty()) return "";
  return text(unreadable.size(), " of ", set.size(), " ", what,
              " images could not be read and were left out; the first: ", unreadable.begin()->second);
}

}  // namespace counterpoise
