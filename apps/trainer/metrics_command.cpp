#include "apps/trainer/metrics_command.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/trainer/flags.h"
#include "data/tables/csv.h"
#include "losses/metrics/calibration.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

using Json = nlohmann::ordered_json;

// The metrics that are averages over both classes, each taken as the positive one in turn.
Json averages(const Confusion& c) {
  const ConfusionMatrix matrix({{c.tn, c.fp}, {c.fn, c.tp}});
  Json json;
  for (const auto& [name, how] : {std::pair("macro", Average::macro), std::pair("weighted", Average::weighted),
                                  std::pair("micro", Average::micro)}) {
    json[name] = {{"precision", matrix.average(how, [](const Confusion& c) { return c.precision(); })},
                  {"recall", matrix.average(how, [](const Confusion& c) { return c.recall(); })},
                  {"f1", matrix.average(how, [](const Confusion& c) { return c.f1(); })}};
  }
  return json;
}

Json curves(const Scores& s) {
  const RocCurve roc = roc_curve(s.values, s.is_positive);
  const PrecisionRecallCurve pr = precision_recall_curve(s.values, s.is_positive);
  return {{"roc", {{"fpr", roc.fpr}, {"tpr", roc.tpr}, {"thresholds", roc.thresholds}}},
          {"precision_recall", {{"precision", pr.precision}, {"recall", pr.recall}, {"thresholds", pr.thresholds}}}};
}

// Whether two labels stand for one class: the same text, spaces around it apart, or the same number.
bool same_label(const std::string& a, const std::string& b) {
  const auto trimmed = [](const std::string& text) {
    const size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
    return first == std::string::npos ? "" : text.substr(first, last + 1 - first);
  };
  double x = 0, y = 0;
  return trimmed(a) == trimmed(b) || (parse_csv_number(a, x) && parse_csv_number(b, y) && x == y);
}

// Tells the positive class from the other one, of which there is one at most.
class Labels {
 public:
  explicit Labels(std::string positive) : positive_(std::move(positive)) {}

  bool is_positive(const std::string& label, const CsvReader& reader) {
    for (size_t i = 0; i < seen_.size(); ++i) {
      if (label == seen_[i]) return seen_is_positive_[i];
    }
    CP_ENSURE_AS(bad_data, label.find_first_not_of(" \t") != std::string::npos, reader.place(),
                 ": the label is empty; fill it in, or remove the row");
    const bool known = std::any_of(seen_.begin(), seen_.end(), [&](auto& other) { return same_label(label, other); });
    const bool is_positive = same_label(label, positive_);
    if (known) return is_positive;
    CP_ENSURE_AS(bad_data, seen_.size() < 2, reader.place(), ": the label \"", label, "\" is a third one, beside ",
                 join(seen_), "; the metrics are those of two classes, so give all others one label");
    seen_.push_back(label);
    seen_is_positive_.push_back(is_positive);
    return is_positive;
  }

  // Throws unless some label was positive, or all were 0.
  void check_found(const std::string& path) const {
    const bool found =
        std::any_of(seen_.begin(), seen_.end(), [&](auto& label) { return same_label(label, positive_); });
    CP_ENSURE_AS(bad_data, found || (seen_.size() == 1 && same_label(seen_[0], "0")), path, ": no label is \"",
                 positive_, "\"; say with --positive which of these is: ", join(seen_));
  }

 private:
  const std::string positive_;
  std::vector<std::string> seen_;  // one label of each class
  std::vector<bool> seen_is_positive_;
};

// The scores of a table with the columns "label" and either "score" or "logit", in any order.
Scores read_scores(const std::string& path, const std::string& positive) {
  CsvReader reader(path);
  const std::vector<std::string>& header = reader.header();
  const size_t label = reader.find("label"), score = reader.find("score"), logit = reader.find("logit");
  CP_ENSURE_AS(bad_data, label < header.size() && (score < header.size()) != (logit < header.size()), path,
               ": its first line must name the columns label and one of score (a probability) and logit, but is: ",
               join(header));
  const bool is_logit = logit < header.size();
  const size_t value = is_logit ? logit : score;
  for (const size_t column : {label, value}) {
    CP_ENSURE_AS(bad_data, std::count(header.begin(), header.end(), header[column]) == 1, reader.place(),
                 ": two columns are named \"", header[column], "\"; rename one");
  }

  Scores scores;
  scores.scale = is_logit ? Scores::logit : Scores::probability;
  Labels labels(positive);
  for (std::vector<std::string> row; reader.next(row);) {
    double x = 0;
    CP_ENSURE_AS(bad_data, parse_csv_number(row[value], x), reader.place(), ": \"", row[value], "\" is not a number");
    CP_ENSURE_AS(bad_data, is_logit || (0 <= x && x <= 1), reader.place(), ": the score ", x,
                 " is no probability; call the column logit if these are logits");
    scores.values.push_back(x);
    scores.is_positive.push_back(labels.is_positive(row[label], reader));
  }
  CP_ENSURE_AS(bad_data, !scores.values.empty(), path, ": holds no samples");
  labels.check_found(path);
  return scores;
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
  json.update(averages(counts));
  auto sorted = std::make_unique<const SortedScores>(s.values, s.is_positive);
  json["roc_auc"] = roc_auc(*sorted);
  json["average_precision"] = average_precision(*sorted);
  Json best_thresholds;
  for (const std::string& metric : tunable_metrics()) {
    const BestThreshold best = best_threshold(*sorted, metric);
    best_thresholds[metric] = {{"threshold", best.threshold}, {"value", best.value}};
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

std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void metrics(int argc, char** argv) {
  CLI::App app(
      "Print every metric of a classifier's scores as JSON.\n\n"
      "The first line of the file names its columns: label, and score (a probability) or logit; others are ignored. "
      "There are two labels; spaces around one do not matter, nor how a number is written.",
      "./apps/catdog metrics");
  std::string file, positive = "1", threshold = "0.5";
  bool with_curves = false;
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.add_option("FILE", file, "A CSV file, such as a run's predictions.csv")->required();
  app.add_option("--positive", positive, "The label of the positive class")->type_name("LABEL")->capture_default_str();
  app.add_option("--threshold", threshold, "Probability from which a sample is predicted positive")
      ->type_name("P")
      ->capture_default_str();
  app.add_flag("--curves", with_curves, "Also print the points of the ROC and precision-recall curves");
  parse_command_line(app, argc, argv);
  const double p = parse_number("--threshold", threshold);
  CP_ENSURE_AS(invalid_argument, 0 <= p && p <= 1, "--threshold ", threshold,
               " is out of range: a probability between 0 and 1");
  const Scores scores = read_scores(file, positive);
  const auto positives = std::count(scores.is_positive.begin(), scores.is_positive.end(), true);
  Json json = {{"samples", scores.values.size()},
               {"positives", positives},
               {"negatives", static_cast<int64_t>(scores.values.size()) - positives},
               {"threshold", p}};
  json.update(to_json(scores, scores.scale == Scores::logit ? logit(p) : p));
  if (with_curves) json.update(curves(scores));
  std::cout << json_text(json);
}

}  // namespace counterpoise
