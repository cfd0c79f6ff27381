#include "apps/trainer/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/trainer/format.h"
#include "apps/trainer/stop_signal.h"
#include "data/tables/csv.h"
#include "losses/metrics/classification_report.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

using Json = nlohmann::ordered_json;

ClassScores class_scores(const Evaluation& e) {
  ClassScores scores = {e.classes, e.labels, e.predicted, e.logits};
  if (!e.is_binary()) return scores;
  // Two columns, so that each class has the scores by which it is told from the other.
  scores.logits.clear();
  for (const double z : e.logits) {
    const double of_first = e.decision.positive == 0 ? z : -z;
    scores.logits.insert(scores.logits.end(), {of_first, -of_first});
  }
  return scores;
}

// The metrics of the positive class of two, or of all classes.
Json metrics(const Evaluation& e, const ClassScores& scores) {
  if (!e.is_binary()) return to_json(scores);
  const Scores::Scale scale = e.decision.origin != 0 ? Scores::number : Scores::logit;
  Json json = to_json(Scores{scale, e.logits, e.is_positive()}, e.decision.cut);
  if (scale == Scores::number) {
    for (Json& best : json["best_thresholds"]) {
      best["cut"] = best["threshold"];
      best["threshold"] = probability_of(best["cut"], e.decision);
    }
  }
  return json;
}

}  // namespace

ConfusionMatrix Evaluation::matrix() const {
  return ConfusionMatrix(labels, predicted, static_cast<int64_t>(classes.size()));
}

Confusion Evaluation::counts() const { return matrix().of(decision.positive); }

std::vector<bool> Evaluation::is_positive() const {
  std::vector<bool> y;
  for (const int32_t label : labels) y.push_back(label == decision.positive);
  return y;
}

void Evaluation::decide(const Decision& by) {
  decision = by;
  predicted = predicted_classes(logits, classes.size(), by);
}

Evaluation evaluate(Module& model, DataLoader& loader, const Decision& decision,
                    const std::function<void(size_t)>& tick, Views views) {
  const NoGrad no_grad;
  const Dataset& set = loader.dataset();
  const std::vector<size_t> order = loader.order(1);
  const bool was_training = model.training();
  model.train(false);
  Evaluation result;
  result.classes = set.classes();
  loader.start(1, order);
  views.start(order);
  for (Batch batch; !stop_signal() && loader.next(batch);) {
    for (double logit : views.logits(model, batch, decision)) result.logits.push_back(logit);
    result.samples.insert(result.samples.end(), batch.samples.begin(), batch.samples.end());
    if (tick) tick(result.samples.size());
  }
  model.train(was_training);
  result.complete = !stop_signal();

  const auto strange =
      std::count_if(result.logits.begin(), result.logits.end(), [](double z) { return !std::isfinite(z); });
  CP_ENSURE_AS(diverged, strange == 0, "the network's outputs for ", strange, " of ", result.samples.size(),
               " images are NaN or infinite");
  result.labels = set.labels_of(result.samples);
  result.decide(decision);
  if (result.complete) result.unreadable = order.size() - result.samples.size();
  if (result.samples.empty() && result.complete) {
    const auto reasons = set.unreadable();
    throw Error(ErrorKind::bad_data, "none of the ", order.size(), " images to evaluate can be read",
                reasons.empty() ? "" : "; the first: " + reasons.begin()->second);
  }
  return result;
}

std::string report(const Evaluation& e) {
  std::vector<std::string> names;
  for (const std::string& name : e.classes) names.push_back(printable(name));
  if (!e.is_binary()) return classification_report(e.labels, e.predicted, names, 4);
  const Confusion c = e.counts();
  return table(c, names[e.decision.positive], names[1 - e.decision.positive]) +
         formatted("\n  accuracy  %.4f\n  precision %.4f\n  recall    %.4f\n  F1        %.4f\n", c.accuracy(),
                   c.precision(), c.recall(), c.f1());
}

const std::vector<std::string>& quality_names() {
  static const std::vector<std::string> names = {
      "average-precision", "balanced-accuracy", "f1",  "precision", "recall",
      "accuracy",          "roc-auc",           "mcc", "g-mean",    "log-loss"};
  return names;
}

std::map<std::string, double> quality(const Evaluation& e) {
  const Json json = metrics(e, class_scores(e));
  const auto find = [&](const std::string& key) {
    const Json& from = !e.is_binary() && json["macro"].contains(key) ? json["macro"] : json;
    const auto it = from.find(key);
    return it != from.end() && it->is_number() ? it->get<double>() : std::numeric_limits<double>::quiet_NaN();
  };
  std::map<std::string, double> all;
  for (const std::string& name : quality_names()) {
    std::string key = name;
    std::replace(key.begin(), key.end(), '-', '_');
    all[name] = find(key);
  }
  return all;
}

bool is_better(const std::string& metric, double value, double other) {
  if (std::isnan(other)) return !std::isnan(value);
  return metric == "log-loss" ? value < other : value > other;
}

Json to_json(const Evaluation& e) {
  const ClassScores scores = class_scores(e);
  Json json = metrics(e, scores);
  if (e.is_binary()) {
    json["positive"] = e.classes[e.decision.positive];
    json["decision"] = {{"threshold", probability_of(e.decision.cut, e.decision)},
                        {"cut", e.decision.cut},
                        {"origin", e.decision.origin},
                        {"temperature", e.decision.temperature},
                        {"shift", e.decision.shift}};
  } else {
    json["positive"] = nullptr;
    json["decision"] = {{"temperature", e.decision.temperature}, {"shifts", e.decision.shifts}};
  }
  json["samples"] = e.samples.size();
  add_classes(json, scores);
  return json;
}

std::string predictions_csv(const ImageDataset& set, const Evaluation& e) {
  const size_t K = e.classes.size();
  std::string csv = "path,label,logit";
  if (!e.is_binary()) {
    csv = "path,label,predicted";
    for (const std::string& name : e.classes) csv += "," + csv_field("logit:" + name);
  }
  csv += '\n';
  for (size_t i = 0; i < e.samples.size(); ++i) {
    csv += csv_field(set.samples()[e.samples[i]].path);
    if (e.is_binary()) {
      csv += (e.labels[i] == e.decision.positive ? ",1," : ",0,") + exact(e.logits[i]);
    } else {
      csv += "," + csv_field(e.classes[e.labels[i]]) + "," + csv_field(e.classes[e.predicted[i]]);
      for (size_t k = 0; k < K; ++k) csv += "," + exact(e.logits[i * K + k]);
    }
    csv += '\n';
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
