// Metrics over all decision thresholds: the confusion matrix at each threshold, ROC and precision-recall curves, the
// areas under them, and the threshold that is best for a metric. Scores are logits or probabilities, or any other
// numbers that are higher for the positive class; they may be infinite.
//
// Every function takes one score and one label per sample and sorts them once, O(n log n). A sample is predicted
// positive if its score >= threshold. Equal scores share a threshold, so the order of the samples never matters. All
// throw for no samples, for different numbers of scores and labels, and for NaN. Conventions are those of scikit-learn
// 1.9.
//
// Thread safety: these functions use no state of their own.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "losses/metrics/confusion.h"

namespace counterpoise {

struct ThresholdCounts {
  double threshold;
  Confusion counts;
};

// The scores of positive and of negative samples, each sorted. Functions that take it need not sort again, and no list
// of all thresholds is made: 8 bytes per sample.
class SortedScores {
 public:
  SortedScores(const std::vector<double>& scores, const std::vector<bool>& is_positive);

  int64_t positives() const { return static_cast<int64_t>(positive_.size()); }
  int64_t negatives() const { return static_cast<int64_t>(negative_.size()); }

  // Calls visit(threshold, counts) with each distinct score as the threshold, from the highest to the lowest.
  template <class Visit>
  void descend(const Visit& visit) const {
    Confusion c = {0, 0, positives(), negatives()};
    for (size_t i = positive_.size(), j = negative_.size(); i > 0 || j > 0;) {
      const double threshold = i == 0   ? negative_[j - 1]
                               : j == 0 ? positive_[i - 1]
                                        : std::max(positive_[i - 1], negative_[j - 1]);
      for (; i > 0 && positive_[i - 1] == threshold; --i) ++c.tp, --c.fn;
      for (; j > 0 && negative_[j - 1] == threshold; --j) ++c.fp, --c.tn;
      visit(threshold, c);
    }
  }

  // The same from the lowest to the highest, with thresholds halfway between two neighboring distinct scores, after the
  // lowest score itself. Returns the highest score.
  template <class Visit>
  double ascend(const Visit& visit) const {
    Confusion c = {positives(), negatives(), 0, 0};
    double below = 0;  // the score before
    for (size_t i = 0, j = 0; i < positive_.size() || j < negative_.size();) {
      const double score = i == positive_.size()   ? negative_[j]
                           : j == negative_.size() ? positive_[i]
                                                   : std::min(positive_[i], negative_[j]);
      visit(i + j == 0 ? score : between(below, score), c);
      for (; i < positive_.size() && positive_[i] == score; ++i) --c.tp, ++c.fn;
      for (; j < negative_.size() && negative_[j] == score; ++j) --c.fp, ++c.tn;
      below = score;
    }
    return below;
  }

 private:
  // A threshold t with low < t <= high.
  static double between(double low, double high) {
    const double t = low / 2 + high / 2;  // low + high may overflow
    return low < t && t < high ? t : high;
  }

  std::vector<double> positive_, negative_;  // ascending
};

// The counts with each distinct score as the threshold, from the highest to the lowest, where all samples are predicted
// positive.
std::vector<ThresholdCounts> threshold_sweep(const std::vector<double>& scores, const std::vector<bool>& is_positive);

// The ROC curve: recall (true positive rate) over the false positive rate, fp / (fp + tn). One point per threshold,
// from the threshold +infinity at (0, 0) to (1, 1).
struct RocCurve {
  std::vector<double> fpr, tpr, thresholds;  // of one length
};

// Without negatives fpr is NaN, without positives tpr is NaN. drop_intermediate leaves out points on a straight line
// between their neighbors, which does not change the area under the curve.
RocCurve roc_curve(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                   bool drop_intermediate = true);

// The area under the ROC curve: the probability that a positive sample's score is above a negative one's, ties counted
// as one half. NaN if all samples are of one class. It does not depend on how rare the positive class is;
// average_precision() does.
double roc_auc(const std::vector<double>& scores, const std::vector<bool>& is_positive);
double roc_auc(const SortedScores& scores);

// The precision-recall curve, from the lowest threshold to the highest; then precision 1 at recall 0, which has no
// threshold. Without positives recall is 1 at every threshold.
struct PrecisionRecallCurve {
  std::vector<double> precision, recall, thresholds;  // one threshold fewer
};

PrecisionRecallCurve precision_recall_curve(const std::vector<double>& scores, const std::vector<bool>& is_positive);

// Average precision: the sum over descending thresholds of precision times the increase in recall. There is no linear
// interpolation between points, which would be too optimistic (Davis and Goadrich 2006). 0 without positives.
double average_precision(const std::vector<double>& scores, const std::vector<bool>& is_positive);
double average_precision(const SortedScores& scores);

// The metrics that a threshold can be chosen for: "f1", "balanced-accuracy", "g-mean", "mcc".
const std::vector<std::string>& tunable_metrics();

struct BestThreshold {
  double threshold;
  double value;  // of the metric, on the samples that the threshold was chosen on
};

// The threshold with the highest value of a metric: halfway between the two neighboring distinct scores that it
// separates; the upper one if no double lies between them or one is infinite; the lowest score where all samples are
// predicted positive. It is finite if the scores are.
//
// Of several best thresholds it is the lowest, which has the highest recall. Predicting nothing positive is not tried:
// if there are samples of both classes, predicting all positive is at least as good by each of these metrics.
//
// Choose it on samples that were not trained on, and measure its value on yet other samples: the maximum of many values
// is biased upwards. Throws Error(invalid_argument) that lists the metrics for any other name.
BestThreshold best_threshold(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                             const std::string& metric);
BestThreshold best_threshold(const SortedScores& scores, const std::string& metric);

}  // namespace counterpoise
