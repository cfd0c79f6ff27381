// Adjustments for a rare class after training, which need logits only. Each is an increasing affine map of the logit:
// the order of the samples, and with it ROC and precision-recall curves, stay the same; the decisions change.
//
// Thread safety: these functions use no state of their own.
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoise {

// log(p / (1 - p)); infinite at 0 and 1.
double logit(double p);
// Its inverse, the sigmoid 1 / (1 + e^-z).
double probability(double z);

// Post-hoc logit adjustment, Menon et al. 2020 (arXiv:2007.07314) eq. 9: predict with z_k - tau log(n_k / N). For one
// logit z of the positive class that is z - shift; returns the shift tau log(n_1 / n_0). With tau = 1 it is the prior
// correction of Saerens et al. 2002 to balanced classes. A class without samples counts as one.
double prior_shift(int64_t positives, int64_t negatives, double tau = 1);

// The same for other priors: z is the logit of a model trained where the positive class has the share `from`; where it
// has the share `to`, the log odds are z - shift. Sampling and class weights change `from`; balanced ones make it 1/2.
// Throws unless both shares are strictly between 0 and 1.
double prior_shift(double from, double to);

// Temperature scaling, Guo et al. 2017 (arXiv:1706.04599): the T > 0 for which z / T has the smallest log loss. Fit it
// on samples that were not trained on; is_positive has one entry per logit. T is clamped to [0.01, 100], because logits
// that separate the classes would make it 0. Throws for no logits, for those that are not finite, and for lists of
// different lengths.
double fit_temperature(const std::vector<double>& logits, const std::vector<bool>& is_positive);
// The same for K classes: logits [N, K] in row-major order, and the class of each sample. Throws also for labels
// outside [0, K).
double fit_temperature(const std::vector<double>& logits, const std::vector<int32_t>& labels, int64_t classes);

}  // namespace counterpoise
