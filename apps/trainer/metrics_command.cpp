#include "apps/trainer/metrics_command.h"

#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/trainer/flags.h"
#include "core/io/file.h"
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

// The scores of a table with the columns "label" and either "score" or "logit", in any order.
Scores read_scores(const std::string& path, const std::string& positive) {
  constexpr size_t limit = size_t(1) << 32;
  CsvReader reader(read_file(path, limit), path);
  const std::vector<std::string>& header = reader.header();
  const size_t label = reader.find("label"), score = reader.find("score"), logit = reader.find("logit");
  CP_ENSURE_AS(bad_data, label < header.size() && (score < header.size()) != (logit < header.size()), path,
               ": its first line must name the columns label and one of score (a probability) and logit, but is: ",
               join(header));
  const bool is_logit = logit < header.size();
  const size_t value = is_logit ? logit : score;

  Scores scores;
  scores.scale = is_logit ? Scores::logit : Scores::probability;
  std::set<std::string> labels;
  for (std::vector<std::string> row; reader.next(row);) {
    double x = 0;
    CP_ENSURE_AS(bad_data, parse_csv_number(row[value], x), reader.place(), ": \"", row[value], "\" is not a number");
    CP_ENSURE_AS(bad_data, is_logit || (0 <= x && x <= 1), reader.place(), ": the score ", x,
                 " is no probability; call the column logit if these are logits");
    scores.values.push_back(x);
    scores.is_positive.push_back(row[label] == positive);
    if (labels.size() < 10) labels.insert(row[label]);
  }
  CP_ENSURE_AS(bad_data, !scores.values.empty(), path, ": holds no samples");
  // A file of negatives only is fine, one of other labels is not.
  const bool found = std::find(scores.is_positive.begin(), scores.is_positive.end(), true) != scores.is_positive.end();
  CP_ENSURE_AS(bad_data, found || labels == std::set<std::string>{"0"}, path, ": no label is \"", positive,
               "\"; say with --positive which of these is: ", join(labels));
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
  json["roc_auc"] = roc_auc(s.values, s.is_positive);
  json["average_precision"] = average_precision(s.values, s.is_positive);
  if (s.scale != Scores::number) {
    std::vector<double> p = s.values;
    if (s.scale == Scores::logit) std::transform(p.begin(), p.end(), p.begin(), probability);
    const CalibrationError error = calibration_error(top_label(p, s.is_positive));
    json["log_loss"] =
        s.scale == Scores::logit ? log_loss_from_logits(s.values, s.is_positive) : log_loss(p, s.is_positive);
    json["brier"] = brier(p, s.is_positive);
    json["expected_calibration_error"] = error.expected;
    json["maximum_calibration_error"] = error.maximum;
  }
  for (const std::string& metric : tunable_metrics()) {
    const BestThreshold best = best_threshold(s.values, s.is_positive, metric);
    json["best_thresholds"][metric] = {{"threshold", best.threshold}, {"value", best.value}};
  }
  return json;
}

std::string json_text(const Json& json) {
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void metrics(int argc, char** argv) {
  CLI::App app(
      "Print every metric of a classifier's scores as JSON.\n"
      "The file's first line names its columns: `label`, and `score` (a probability) or `logit`; others are ignored.",
      "./apps/catdog metrics");
  std::string file, positive = "1", threshold = "0.5";
  bool with_curves = false;
  app.set_help_flag("-h,--help", "Print this and end");
  app.add_option("FILE", file, "A CSV file, such as a run's predictions.csv")->required();
  app.add_option("--positive", positive, "The label of the class to find")->type_name("LABEL")->capture_default_str();
  app.add_option("--threshold", threshold, "Probability from which a sample is predicted positive")
      ->type_name("P")
      ->capture_default_str();
  app.add_flag("--curves", with_curves, "Add the points of the ROC and the precision-recall curve");
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
