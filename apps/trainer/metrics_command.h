// Every metric of a classifier's scores as JSON, for the results of runs and for scores in a CSV file of any origin.
// All functions but metrics() are pure, so they are safe to call from any thread.
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
// the scores themselves: areas under the curves, the best thresholds and, unless the scores are numbers, log loss,
// Brier score and calibration error.
nlohmann::ordered_json to_json(const Scores& scores, double threshold);

// The text of a JSON file. Bytes that are not UTF-8, as file names may have, become U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

// `catdog metrics FILE.csv`: prints every metric of a file's scores. Throws Error(invalid_argument) for a wrong command
// line and Error(bad_data) for a file without the columns or values it needs.
void metrics(int argc, char** argv);

}  // namespace counterpoise
