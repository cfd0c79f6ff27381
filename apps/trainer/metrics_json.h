// Every metric of a classifier's scores as JSON, for the results of runs and for scores in a CSV file of any origin.
// The functions are pure, so they are safe to call from any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "losses/metrics/confusion.h"

namespace counterpoise {

// Scores of samples; a higher score means that the positive class is more likely.
struct Scores {
  enum Scale {
    logit,        // the sigmoid of a score is the probability of the positive class
    probability,  // of the positive class, 0 to 1
    number,       // neither: only their order and the threshold have a meaning
  };
  Scale scale = logit;
  std::vector<double> values;
  std::vector<bool> is_positive;
};

// Counts and ratios of decisions: tp, fp, tn, fn, accuracy, precision, recall, f1 and further metrics of two classes.
// An undefined metric is null.
nlohmann::ordered_json to_json(const Confusion& counts);

// The same where a score of at least `threshold`, on the scores' own scale, is predicted positive; and the metrics of
// the scores themselves: areas under the curves, the best thresholds (of logits a probability and, as "cut", the logit)
// and, unless the scores are numbers, log loss, Brier score and calibration error.
nlohmann::ordered_json to_json(const Scores& scores, double threshold);

// What a classifier of K classes says about N samples.
struct ClassScores {
  std::vector<std::string> classes;  // [K] names
  std::vector<int32_t> labels;       // [N] the class of each sample
  std::vector<int32_t> predicted;    // [N]
  std::vector<double> logits;        // [N, K], row by row; empty: only the decisions are known
};

// Accuracy, balanced accuracy, the averages of precision, recall and F1, Matthews' and Cohen's coefficients; the areas
// under the curves of each class against all others, averaged (macro and weighted); log loss, Brier score and
// calibration error; how often the class is among the k most probable ones.
nlohmann::ordered_json to_json(const ClassScores& scores);

// Adds to the JSON what is the same for two and for more classes: "classes", "confusion" (rows: actual) and
// "per_class", a list of each class's precision, recall, F1, support and areas under its curves against all others.
void add_classes(nlohmann::ordered_json& json, const ClassScores& scores);

// The text of a JSON file. Bytes that are not UTF-8, as file names may have, become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);
// The same on one line, without its end.
std::string json_line(const nlohmann::ordered_json& json);

}  // namespace counterpoise
