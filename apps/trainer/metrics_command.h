// Every metric of a classifier's scores, as JSON: for the results of runs, and for scores in a CSV file from anywhere.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "losses/metrics/confusion.h"

namespace counterpoise {

// Scores of samples. Higher ones speak for the positive class.
struct Scores {
  enum Scale {
    logit,        // sigmoid makes a probability of them
    probability,  // of the positive class, 0 to 1
    number,       // neither: their order and the threshold mean something, their size does not
  };
  Scale scale = logit;
  std::vector<double> values;
  std::vector<bool> is_positive;
};

// Counts and ratios of decisions: tp, fp, tn, fn, accuracy, precision, recall, f1, and what else two classes allow. A
// metric without a value is null.
nlohmann::ordered_json to_json(const Confusion& counts);

// The same for scores that reach `threshold` (on their own scale), and what depends on the scores themselves: areas
// under the curves, the best thresholds and, unless they are numbers, log loss, Brier score and calibration.
nlohmann::ordered_json to_json(const Scores& scores, double threshold);

// The text of a JSON file. Names of files need not be UTF-8: what is not becomes U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

// `catdog metrics FILE.csv`: prints every metric of a file's scores. Throws Error for a wrong command line (usage) and
// for a file that does not say what is needed (bad_data).
void metrics(int argc, char** argv);

}  // namespace counterpoise
