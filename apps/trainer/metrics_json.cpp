#include "apps/trainer/metrics_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "losses/metrics/calibration.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/multiclass_scores.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

using Json = nlohmann::ordered_json;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// The metrics that are averages over all classes, each taken as the positive one in turn.
Json averages(const ConfusionMatrix& matrix) {
  Json json;
  for (const auto& [name, how] : {std::pair("macro", Average::macro), std::pair("weighted", Average::weighted),
                                  std::pair("micro", Average::micro)}) {
    json[name] = {{"precision", matrix.average(how, [](const Confusion& c) { return c.precision(); })},
                  {"recall", matrix.average(how, [](const Confusion& c) { return c.recall(); })},
                  {"f1", matrix.average(how, [](const Confusion& c) { return c.f1(); })}};
  }
  return json;
}

// The probability of the lowest logit, rounded down where necessary, so that as a threshold it leaves none out.
double lowest_threshold(double cut) {
  double p = probability(cut);
  while (logit(p) > cut) p = std::nextafter(p, 0.);
  return p;
}

}  // namespace

Json to_json(const Confusion& c) {
  return {{"tp", c.tp},
          {"fp", c.fp},
          {"tn", c.tn},
          {"fn", c.fn},
          {"accuracy", c.accuracy()},
          {"precision", c.precision()},
          {"recall", c.recall()},
          {"f1", c.f1()},
          {"f0.5", c.f_beta(0.5)},
          {"f2", c.f_beta(2)},
          {"specificity", c.specificity()},
          {"balanced_accuracy", c.balanced_accuracy()},
          {"g_mean", c.g_mean()},
          {"mcc", c.mcc()},
          {"kappa", c.kappa()}};
}

Json to_json(const Scores& s, double threshold) {
  const Confusion counts = confusion(s.values, s.is_positive, threshold);
  Json json = to_json(counts);
  json.update(averages(ConfusionMatrix({{counts.tn, counts.fp}, {counts.fn, counts.tp}})));
  auto sorted = std::make_unique<const SortedScores>(s.values, s.is_positive);
  json["roc_auc"] = roc_auc(*sorted);
  json["average_precision"] = average_precision(*sorted);
  Json best_thresholds;
  double lowest = std::numeric_limits<double>::infinity();
  for (const double z : s.values) lowest = std::min(lowest, z);
  for (const std::string& metric : tunable_metrics()) {
    const BestThreshold best = best_threshold(*sorted, metric);
    best_thresholds[metric] = {{"threshold", best.threshold}, {"value", best.value}};
    if (s.scale != Scores::logit) continue;
    best_thresholds[metric]["threshold"] =  // as --threshold takes it
        best.threshold == lowest ? lowest_threshold(lowest) : probability(best.threshold);
    best_thresholds[metric]["cut"] = best.threshold;
  }
  sorted.reset();  // large, and not needed below
  if (s.scale != Scores::number) {
    std::vector<double> of_logits;
    if (s.scale == Scores::logit) {
      of_logits.resize(s.values.size());
      std::transform(s.values.begin(), s.values.end(), of_logits.begin(), probability);
    }
    const std::vector<double>& p = s.scale == Scores::logit ? of_logits : s.values;
    const CalibrationError error = calibration_error(top_label(p, s.is_positive));
    json["log_loss"] =
        s.scale == Scores::logit ? log_loss_from_logits(s.values, s.is_positive) : log_loss(p, s.is_positive);
    json["brier"] = brier(p, s.is_positive);
    json["expected_calibration_error"] = error.expected;
    json["maximum_calibration_error"] = error.maximum;
  }
  json["best_thresholds"] = std::move(best_thresholds);
  return json;
}

Json to_json(const ClassScores& s) {
  const int64_t K = static_cast<int64_t>(s.classes.size());
  const ConfusionMatrix matrix(s.labels, s.predicted, K);
  Json json = {{"accuracy", matrix.accuracy()},
               {"balanced_accuracy", matrix.balanced_accuracy()},
               {"g_mean", matrix.g_mean(nan)},
               {"mcc", matrix.mcc()},
               {"kappa", matrix.kappa()}};
  json.update(averages(matrix));
  if (s.logits.empty()) return json;
  // The logits of a class cannot be compared between samples, since a constant added to all of a sample's changes
  // nothing.
  const std::vector<double> probabilities = softmax(s.logits, K);
  const auto areas = {std::pair("average_precision", one_vs_rest_average_precision(probabilities, s.labels, K)),
                      std::pair("roc_auc", one_vs_rest_roc_auc(probabilities, s.labels, K))};
  for (const auto& [name, area] : areas) {
    json["macro"][name] = area.macro;
    json["weighted"][name] = area.weighted;
    json[name] = area.macro;
  }
  std::vector<std::vector<double>> rows;
  for (auto row = probabilities.begin(); row != probabilities.end(); row += K) rows.emplace_back(row, row + K);
  const CalibrationError error = calibration_error(top_label(rows, s.labels));
  json["log_loss"] = log_loss_from_logits(s.logits, s.labels, K);
  json["brier"] = brier(probabilities, s.labels, K);
  json["expected_calibration_error"] = error.expected;
  json["maximum_calibration_error"] = error.maximum;
  for (const int64_t k : {2, 3, 5}) {
    if (k < K) json["top_k"][std::to_string(k)] = top_k_accuracy(s.logits, s.labels, K, k);
  }
  return json;
}

void add_classes(Json& json, const ClassScores& s) {
  const size_t K = s.classes.size();
  const ConfusionMatrix matrix(s.labels, s.predicted, static_cast<int64_t>(K));
  ClassMetric precision_recall, roc;
  if (!s.logits.empty()) {
    // Of two classes the logits decide by themselves; a probability could be rounded to 0 or 1.
    const std::vector<double> scores = K > 2 ? softmax(s.logits, static_cast<int64_t>(K)) : s.logits;
    precision_recall = one_vs_rest_average_precision(scores, s.labels, static_cast<int64_t>(K));
    roc = one_vs_rest_roc_auc(scores, s.labels, static_cast<int64_t>(K));
  }
  json["classes"] = s.classes;
  for (size_t a = 0; a < K; ++a) {
    Json row = Json::array();
    for (size_t p = 0; p < K; ++p) row.push_back(matrix.at(static_cast<int64_t>(a), static_cast<int64_t>(p)));
    json["confusion"].push_back(row);
    const Confusion c = matrix.of(static_cast<int64_t>(a));
    Json one = {{"class", s.classes[a]},
                {"precision", c.precision()},
                {"recall", c.recall()},
                {"f1", c.f1()},
                {"support", matrix.support(static_cast<int64_t>(a))}};
    if (!s.logits.empty()) {
      one["average_precision"] = precision_recall.each[a];
      one["roc_auc"] = roc.each[a];
    }
    json["per_class"].push_back(one);
  }
}

std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string json_line(const Json& json) { return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

}  // namespace counterpoise
