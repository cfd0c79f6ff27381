// Metrics of the scores of K classes. For each class they use the scores of all samples, not only the prediction.
//
// `scores`, `logits` and `probabilities` are [N, K] in row-major order: the K numbers of the first sample, then those
// of the second. `labels` are the N true classes, each in [0, K). All functions throw for no samples, for K < 1, for
// lengths that do not fit, for labels outside [0, K), and for NaN.
//
// Thread safety: these functions use no state of their own.
#pragma once

#include <cstdint>
#include <vector>

#include "losses/metrics/confusion.h"

namespace counterpoise {

// The probabilities exp(z_k) / sum_j exp(z_j) of each sample, [N, K]. Equal infinite logits share the probability.
std::vector<double> softmax(const std::vector<double>& logits, int64_t classes);

// A metric of each class, and its means over the classes.
struct ClassMetric {
  std::vector<double> each;  // [K]; NaN where it is undefined
  double macro, weighted;    // unweighted, and weighted by the classes' numbers of samples; NaN if all are undefined
};

// Each class against all others (one-vs-rest): the average precision and the area under the ROC curve of column k of
// the scores, with the samples of class k as the positive ones. Classes without samples are NaN and are left out of the
// means; so is the ROC AUC of a class that has all samples. The means are those of scikit-learn's
// average_precision_score of binarized labels and of roc_auc_score(multi_class="ovr").
ClassMetric one_vs_rest_average_precision(const std::vector<double>& scores, const std::vector<int32_t>& labels,
                                          int64_t classes);
ClassMetric one_vs_rest_roc_auc(const std::vector<double>& scores, const std::vector<int32_t>& labels, int64_t classes);

// The fraction of the samples whose true class is among the k classes with the highest scores. Of equal scores the
// first class is the highest, as in predict(), so that k = 1 is the accuracy (scikit-learn's top_k_accuracy_score takes
// the last). 1 for k >= K. Throws for k < 1.
double top_k_accuracy(const std::vector<double>& scores, const std::vector<int32_t>& labels, int64_t classes,
                      int64_t k);

// The mean of -log(softmax probability of the true class), in nats, from logits: nothing is rounded to 0 or 1 and
// nothing is clamped. Infinite if an infinite logit is wrong.
double log_loss_from_logits(const std::vector<double>& logits, const std::vector<int32_t>& labels, int64_t classes);

// The mean over the samples of sum_k (p_k - y_k)^2, y_k = 1 for the true class and 0 for the others (Brier 1950): in
// [0, 2]. With two classes it is twice the brier() of one probability. Throws for probabilities outside [0, 1].
double brier(const std::vector<double>& probabilities, const std::vector<int32_t>& labels, int64_t classes);

// The groups of classes by their numbers of training samples, Liu et al. 2019 (OLTR, arXiv:1904.05160): many-shot
// classes have more than 100, medium-shot classes 20 to 100, few-shot classes fewer than 20.
enum class Shot { many, medium, few };
Shot shot_group(int64_t training_samples);

// The accuracy of each group: the unweighted mean recall of its classes. Classes without samples in the matrix are left
// out; a group without classes is NaN.
struct ShotAccuracy {
  double many, medium, few;
};
// training_samples: [K]. Throws unless it has an entry per class of the matrix, and for negative entries.
ShotAccuracy shot_accuracy(const ConfusionMatrix& matrix, const std::vector<int64_t>& training_samples);

}  // namespace counterpoise
