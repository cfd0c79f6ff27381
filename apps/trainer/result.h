// The result of a training: what is printed at its end, and result.json. Safe to call from several threads.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/trainer/data_sets.h"
#include "apps/trainer/evaluate.h"

namespace counterpoise {

struct TrainingResult {
  Evaluation on;          // the images that the result is reported on
  std::string split;      // which these are: "test" or "validation"
  int epoch = 0;          // whose weights it is of
  int best_epoch = 0;     // by the monitored metric on the validation images
  double best_value = 0;  // of that metric
  int64_t steps = 0;
  std::string threshold_by;  // the rule that chose the threshold, and on which images; "" if it was given
};

// The text for stdout: a line that says what the result is of, the confusion matrix or the table of classes, 95 %
// bootstrap intervals, and for two classes precision and F1 as they would be where the positive class is as rare as
// among the training images.
std::string result_text(const TrainingResult& result, const Options& options, const TrainingData& data);

// The content of result.json: every metric, what it is of, the data, and the options.
nlohmann::ordered_json result_json(const TrainingResult& result, const Options& options, const TrainingData& data);

}  // namespace counterpoise
