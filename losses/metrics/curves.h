// What a classifier could decide: its counts at every threshold on the scores, the curves that they draw, and the
// threshold that is best for a metric. Scores may be logits or probabilities, or any other numbers that are higher for
// the positive class; infinite ones are in order.
//
// Every function takes one score and one label a sample, sorts once, and calls a sample positive if its score reaches
// the threshold. Equal scores share a threshold, so the order of the samples never matters. All throw for no samples,
// for numbers of scores and labels that differ, and for NaN. Conventions are those of scikit-learn 1.9.
#pragma once

#include <string>
#include <vector>

#include "losses/metrics/confusion.h"

namespace counterpoise {

struct ThresholdCounts {
  double threshold;
  Confusion counts;
};

// The counts with each distinct score as the threshold, from the highest to the lowest, where all is predicted
// positive.
std::vector<ThresholdCounts> threshold_sweep(const std::vector<double>& scores, const std::vector<bool>& is_positive);

// Recall over the false positive rate, fp / (fp + tn). One point a threshold, from the threshold +infinity at (0, 0) to
// (1, 1).
struct RocCurve {
  std::vector<double> fpr, tpr, thresholds;  // of one length
};

// Without negatives fpr is NaN, without positives tpr. drop_intermediate leaves out points on a straight line between
// their neighbors; the area under the curve stays.
RocCurve roc_curve(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                   bool drop_intermediate = true);

// The area under the ROC curve: the probability that a positive sample's score is above a negative one's, ties counted
// as one half. NaN if all samples are of one class. It is blind to the classes' shares; average_precision() is not.
double roc_auc(const std::vector<double>& scores, const std::vector<bool>& is_positive);

// Precision over recall, from the lowest threshold to the highest; then precision 1 at recall 0, which has no
// threshold. Without positives recall is 1 at every threshold.
struct PrecisionRecallCurve {
  std::vector<double> precision, recall, thresholds;  // the thresholds are one fewer
};

PrecisionRecallCurve precision_recall_curve(const std::vector<double>& scores, const std::vector<bool>& is_positive);

// The sum over falling thresholds of precision times the step in recall. No straight lines between the points: they
// would promise too much (Davis and Goadrich 2006). 0 without positives.
double average_precision(const std::vector<double>& scores, const std::vector<bool>& is_positive);

// The metrics that a threshold can be chosen for: "f1", "balanced-accuracy", "g-mean", "mcc".
const std::vector<std::string>& tunable_metrics();

struct BestThreshold {
  double threshold;
  double value;  // of the metric, on the samples that the threshold was chosen on
};

// The threshold with the highest value of a metric. It lies halfway between the two neighboring distinct scores that
// it separates: new samples fall between them, on either side alike. It is the upper one if there is not a number
// between them or one is infinite, and the lowest score where all is predicted positive. It is finite if the scores
// are.
//
// Of several best thresholds it is the lowest, which finds the most of the rare class. To call nothing positive is not
// tried: when there are samples of both classes, to call all positive is at least as good by each of the metrics.
//
// Choose it on samples that were not trained on, and report its value on others still: the highest of many values
// flatters. Throws Error(invalid_argument) that lists the metrics for any other name.
BestThreshold best_threshold(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                             const std::string& metric);

}  // namespace counterpoise
