// Rules for choosing the decision threshold: the best value of a metric, a recall or a precision that is required, or
// the costs of the two kinds of errors. Conventions are those of best_threshold() (curves.h).
//
// Thread safety: these functions use no state of their own.
#pragma once

#include <string>
#include <vector>

#include "losses/metrics/curves.h"

namespace counterpoise {

struct ThresholdRule {
  enum Kind {
    metric,     // the highest value of `metric`
    recall,     // the best precision of those thresholds whose recall is at least `target`; of several, the best recall
    precision,  // the best recall of those whose precision is at least `target`; of several, the best precision
    cost        // the least expected cost, (cost_fn fn + cost_fp fp) / samples (Elkan 2001)
  } kind = metric;
  std::string metric_name = "f1";  // one of tunable_metrics()
  double target = 1;               // above 0, at most 1
  double cost_fn = 1;              // of a positive sample that is predicted negative; zero or more
  double cost_fp = 1;              // of a negative sample that is predicted positive; zero or more, and not both 0
};

// "f1" and the other names of tunable_metrics(), "recall=0.95", "precision=0.9", "fn=10,fp=1" or "cost fn=10,fp=1" (a
// cost that is not given is 1). Throws Error(invalid_argument) that lists what is valid for any other text.
ThresholdRule parse_threshold_rule(const std::string& text);

// The text that parse_threshold_rule() reads: "f1", "recall=0.95", "precision=0.9", "cost fn=10,fp=1".
std::string to_string(const ThresholdRule& rule);

// The threshold that the rule chooses, and the value of what it is chosen for: the metric; for `recall` the precision
// and for `precision` the recall; for `cost` the expected cost per sample.
//
// The threshold is halfway between neighboring distinct scores, as best_threshold() of a metric places it. Only by
// `cost` can it be best to predict no sample positive: then it is the next double above the highest score. (No
// threshold is above a score of infinity: with one, some sample is always predicted positive.)
//
// Throws Error(bad_data) if no threshold reaches the precision, with the best that is reached; if there are no positive
// samples, but for `cost`; and for a metric if there are no negative ones. Throws Error(invalid_argument) for a rule
// out of range.
BestThreshold best_threshold(const SortedScores& scores, const ThresholdRule& rule);
BestThreshold best_threshold(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                             const ThresholdRule& rule);

}  // namespace counterpoise
