#include "apps/trainer/metrics_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/trainer/flags.h"
#include "apps/trainer/metrics_json.h"
#include "core/text.h"
#include "data/tables/csv.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

using Json = nlohmann::ordered_json;

const std::string logit_prefix = "logit:";

Json curves(const Scores& s) {
  const RocCurve roc = roc_curve(s.values, s.is_positive);
  const PrecisionRecallCurve pr = precision_recall_curve(s.values, s.is_positive);
  return {{"roc", {{"fpr", roc.fpr}, {"tpr", roc.tpr}, {"thresholds", roc.thresholds}}},
          {"precision_recall", {{"precision", pr.precision}, {"recall", pr.recall}, {"thresholds", pr.thresholds}}}};
}

// Whether two labels stand for one class: the same text, spaces around it apart, or the same number.
bool same_label(const std::string& a, const std::string& b) {
  using detail::trimmed;
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

// The names of the classes in the header: what follows "logit:".
std::vector<std::string> class_columns(const CsvReader& reader) {
  std::vector<std::string> classes;
  for (const std::string& column : reader.header()) {
    if (column.rfind(logit_prefix, 0) == 0) classes.push_back(column.substr(logit_prefix.size()));
  }
  return classes;
}

// The scores of a table with the columns "label", "predicted" and "logit:CLASS".
ClassScores read_class_scores(const std::string& path) {
  CsvReader reader(path);
  ClassScores scores;
  scores.classes = class_columns(reader);
  const size_t width = reader.header().size(), label = reader.find("label"), predicted = reader.find("predicted");
  CP_ENSURE_AS(bad_data, label < width && scores.classes.size() > 2, path,
               ": beside three or more columns logit:CLASS there must be a column label");
  std::vector<size_t> columns;
  for (const std::string& name : scores.classes) {
    columns.push_back(reader.find(logit_prefix + name));
    CP_ENSURE_AS(bad_data, std::count(scores.classes.begin(), scores.classes.end(), name) == 1, reader.place(),
                 ": two columns are named \"", logit_prefix, name, "\"; rename one");
  }
  const auto index = [&](const std::string& name) {
    const auto found = std::find(scores.classes.begin(), scores.classes.end(), name);
    CP_ENSURE_AS(bad_data, found != scores.classes.end(), reader.place(), ": \"", name, "\" is none of the classes ",
                 join(scores.classes));
    return static_cast<int32_t>(found - scores.classes.begin());
  };
  for (std::vector<std::string> row; reader.next(row);) {
    scores.labels.push_back(index(row[label]));
    for (const size_t c : columns) {
      double x = 0;
      CP_ENSURE_AS(bad_data, parse_csv_number(row[c], x), reader.place(), ": \"", row[c], "\" is not a number");
      scores.logits.push_back(x);
    }
    const auto z = scores.logits.end() - static_cast<std::ptrdiff_t>(columns.size());
    scores.predicted.push_back(predicted < width ? index(row[predicted])
                                                 : static_cast<int32_t>(std::max_element(z, scores.logits.end()) - z));
  }
  CP_ENSURE_AS(bad_data, !scores.labels.empty(), path, ": holds no samples");
  return scores;
}

}  // namespace

Exit metrics_command(int argc, char** argv) {
  CLI::App app(
      "Print every metric of a classifier's scores as JSON.\n\n"
      "The first line of the file names its columns; others than these are ignored. Two classes: label, and score (a "
      "probability) or logit. There are two labels; spaces around one do not matter, nor how a number is written. More "
      "classes: label, predicted, and logit:CLASS for each of them, as in a run's predictions.csv.",
      usage(argv[0]));
  std::string file, positive = "1", threshold = "0.5";
  bool with_curves = false;
  app.add_option("FILE", file, "A CSV file, such as a run's predictions.csv")->required();
  app.add_option("--positive", positive, "The label of the positive class")->type_name("LABEL")->capture_default_str();
  app.add_option("--threshold", threshold, "Probability from which a sample is predicted positive")
      ->type_name("P")
      ->capture_default_str();
  app.add_flag("--curves", with_curves, "Also print the points of the ROC and precision-recall curves");
  app.footer("Exit codes: 0 success, 2 wrong command line, 3 an unusable file.");
  const std::set<std::string> given = parse_command_line(app, argc, argv);
  const double p = parse_number("--threshold", threshold);
  CP_ENSURE_AS(invalid_argument, 0 <= p && p <= 1, "--threshold ", threshold,
               " is out of range: a probability between 0 and 1");
  if (!class_columns(CsvReader(file)).empty()) {
    for (const std::string& flag : given) {
      CP_ENSURE_AS(invalid_argument, flag != "--positive" && flag != "--threshold" && flag != "--curves", flag,
                   ": belongs to two classes, but ", file, " has the logits of more");
    }
    const ClassScores scores = read_class_scores(file);
    Json json = {{"samples", scores.labels.size()}};
    json.update(to_json(scores));
    add_classes(json, scores);
    std::cout << json_text(json);
    return Exit::ok;
  }
  const Scores scores = read_scores(file, positive);
  const auto positives = std::count(scores.is_positive.begin(), scores.is_positive.end(), true);
  Json json = {{"samples", scores.values.size()},
               {"positives", positives},
               {"negatives", static_cast<int64_t>(scores.values.size()) - positives},
               {"threshold", p}};
  json.update(to_json(scores, scores.scale == Scores::logit ? logit(p) : p));
  if (with_curves) json.update(curves(scores));
  std::cout << json_text(json);
  return Exit::ok;
}

}  // namespace counterpoise
