// Whether probabilities mean what they say: of all samples that are predicted positive with probability 0.8, are 80 in
// 100 positive? Losses that weigh classes move probabilities on purpose; posthoc.h moves them back.
//
// probabilities are those of the positive class, in [0, 1], one per sample; all functions throw for others, for no
// samples, and where the lengths differ.
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoise {

// The mean of -log(the probability of the true class), in nats. As in scikit-learn, that probability counts as
// 2^-52 at least, so that one sample costs 36.04 at most.
double log_loss(const std::vector<double>& probabilities, const std::vector<bool>& is_positive);

// The same from logits z, the mean of log(1 + e^-z) for positive and of log(1 + e^z) for other samples. It is exact
// where a probability is rounded to 0 or 1, so that nothing is clipped: prefer it. Throws for NaN; infinite if an
// infinite logit is wrong.
double log_loss_from_logits(const std::vector<double>& logits, const std::vector<bool>& is_positive);

// The mean of (p - y)^2, y = 1 for positive and 0 for other samples (Brier 1950).
double brier(const std::vector<double>& probabilities, const std::vector<bool>& is_positive);

struct ReliabilityBin {
  int64_t samples;
  double probability;  // their mean probability
  double frequency;    // the part of them for which it came true
};

// Bins of equal width, (i / bins, (i + 1) / bins]; 0 is in the first. Empty ones are left out, as by scikit-learn's
// calibration_curve with strategy "uniform". Throws for no bins.
std::vector<ReliabilityBin> reliability_curve(const std::vector<double>& probabilities,
                                              const std::vector<bool>& is_positive, int bins = 5);

// The class that is most probable for each sample: how probable, and whether it is the true one.
struct TopLabel {
  std::vector<double> confidence;
  std::vector<bool> correct;
};

// Of two classes; one half speaks for the positive class.
TopLabel top_label(const std::vector<double>& probabilities, const std::vector<bool>& is_positive);
// Of K classes: a row of K probabilities and a class for each sample. The first class of several that are equally
// probable. Throws for a class that is none of the row's.
TopLabel top_label(const std::vector<std::vector<double>>& probabilities, const std::vector<int32_t>& classes);

// The gaps |frequency - probability| of reliability_curve(confidence, correct, bins), Guo et al. 2017
// (arXiv:1706.04599): their mean, weighted by samples (ECE), and the largest (MCE). With a rare class the ECE is mostly
// the frequent class's; the gaps of reliability_curve() for the rare class say more.
struct CalibrationError {
  double expected, maximum;
};
CalibrationError calibration_error(const TopLabel& labels, int bins = 15);

}  // namespace counterpoise
