// Calibration: of all samples that are predicted positive with probability 0.8, are 80 in 100 positive? Class weights
// shift the probabilities on purpose; posthoc.h shifts them back.
//
// `probabilities` are those of the positive class, in [0, 1], one per sample. All functions throw for numbers outside,
// for no samples, and for lists of different lengths.
//
// Thread safety: these functions use no state of their own.
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoise {

// The mean of -log(probability of the true class), in nats. As in scikit-learn, that probability is clamped at 2^-52,
// so that one sample contributes at most 36.04.
double log_loss(const std::vector<double>& probabilities, const std::vector<bool>& is_positive);

// The same from logits z: the mean of log(1 + e^-z) for positive and of log(1 + e^z) for other samples. Prefer it: it
// is exact where a probability would be rounded to 0 or 1, and nothing is clamped. Throws for NaN; infinite if an
// infinite logit is wrong.
double log_loss_from_logits(const std::vector<double>& logits, const std::vector<bool>& is_positive);

// The mean of (p - y)^2, y = 1 for positive and 0 for other samples (Brier 1950).
double brier(const std::vector<double>& probabilities, const std::vector<bool>& is_positive);

struct ReliabilityBin {
  int64_t samples;
  double probability;  // their mean probability
  double frequency;    // the fraction of them that are positive
};

// The reliability curve, in bins of equal width, (i / bins, (i + 1) / bins]; 0 is in the first. Empty bins are left
// out, as in scikit-learn's calibration_curve with strategy "uniform". Throws unless bins > 0.
std::vector<ReliabilityBin> reliability_curve(const std::vector<double>& probabilities,
                                              const std::vector<bool>& is_positive, int bins = 5);

// The most probable class of each sample: its probability, and whether it is the true class.
struct TopLabel {
  std::vector<double> confidence;
  std::vector<bool> correct;
};

// Of two classes; at 1/2 it is the positive class.
TopLabel top_label(const std::vector<double>& probabilities, const std::vector<bool>& is_positive);
// Of K classes: a row of K probabilities and the true class of each sample. Of equally probable classes it is the
// first. Throws for a class that is not in its row.
TopLabel top_label(const std::vector<std::vector<double>>& probabilities, const std::vector<int32_t>& classes);

// Expected and maximum calibration error, Guo et al. 2017 (arXiv:1706.04599): of the gaps |frequency - probability| in
// reliability_curve(confidence, correct, bins), the mean weighted by samples (ECE) and the largest (MCE). With a rare
// class the ECE mostly describes the frequent class; the rare class's reliability_curve() says more.
struct CalibrationError {
  double expected, maximum;
};
CalibrationError calibration_error(const TopLabel& labels, int bins = 15);

}  // namespace counterpoise
