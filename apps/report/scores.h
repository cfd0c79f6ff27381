// The confusion matrices of two classes at all decision thresholds, thinned to what a page needs. All functions are
// pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/report/chart.h"
#include "apps/report/run_data.h"
#include "losses/metrics/confusion.h"

namespace counterpoise::html_report {

// Converts between a logit of predictions.csv and the probability that a threshold is stated as.
struct Scale {
  bool logistic = true;
  double offset = 0;  // of numbers that are no logits (mean squared error): probability = number + offset

  double probability(double z) const;
  double cut(double p) const;
};

// The counts where samples with a logit of at least `cut` are predicted positive.
struct Step {
  double cut;
  int64_t tp, fp;
};

// The predictions for one split.
struct Sweep {
  int64_t positives = 0, negatives = 0;
  std::vector<Step> steps;  // from the highest cut to the lowest; at most a thousand
  Step best_f1 = {};

  bool both_classes() const { return positives > 0 && negatives > 0; }
  Confusion at(const Step& step) const;
  // The step with the counts at a cut: the last one at or above it.
  Step step_at(double cut) const;
  // At most 500 of the steps, for a curve.
  std::vector<Step> curve() const;
};

// One step per distinct score. Where there are more than a thousand, steps are left out so that recall, false positive
// rate and precision change little from one to the next; the counts at the cuts in `exact` stay exact.
Sweep sweep(const Predictions& predictions, int32_t positive, const std::vector<double>& exact);

// The decision with which the run's result was computed.
struct Kept {
  Scale scale;
  double cut = 0;
  bool known = false;
  std::string rule;  // such as "f1"; "" if it is not known
};
Kept kept_decision(const Run& run);

// The axis of decision thresholds: positions are logits, so that probabilities near 0 and 1 can be distinguished; texts
// are probabilities.
Axis threshold_axis(const Predictions& predictions, const Kept& kept);

}  // namespace counterpoise::html_report
