// The results of a study's trainings, from the folder of a comparison. The functions use no state, so they are safe to
// call from several threads.
#pragma once

#include <string>
#include <vector>

#include "apps/compare/comparison.h"
#include "apps/compare/outcome.h"
#include "apps/compare/statistics.h"
#include "apps/reproduce/study.h"

namespace counterpoise {

struct RowResult {
  bool present = false;                     // whether its training is in the comparison
  std::vector<std::vector<double>> values;  // [metric][seed]; NaN where there is none
  std::vector<Summary> summaries;           // of each metric
  size_t done = 0, failed = 0, missing = 0;
  std::string failure;  // the first one's reason
};

struct StudyResults {
  std::vector<int64_t> seeds;
  std::vector<RowResult> rows;  // those of the study
  size_t failed() const;
  size_t missing() const;
};

// The results of all rows whose training is in the comparison in `directory`. The keys of metrics are those of
// metric_of() and "tuned_f1".
StudyResults read_results(const Study& study, const Comparison& comparison, const std::string& directory);

// F1 with a decision threshold that other images have chosen: the images of each class in predictions.csv are divided
// into two halves by turns, the threshold with the best F1 on one half is applied to the other half, and F1 is that of
// both halves together. So nothing is held out of training, and no image chooses its own threshold. NaN if there are no
// predictions of two classes, or too few. Throws Error(bad_data) for a damaged file.
double tuned_f1(const std::string& predictions_csv);

// "0.835 ± 0.012", mean and deviation of a metric; "–" for none.
std::string measured(const StudyMetric& metric, const Summary& summary);

// The difference of two rows in a metric, over the seeds that both have.
Paired difference(const StudyResults& results, const Study& study, size_t row, size_t reference, size_t metric);

}  // namespace counterpoise
