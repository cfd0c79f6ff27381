// What can be done about a rare class after training, with logits alone. All of it is an affine map of the logit, so it
// never changes their order: ROC and precision-recall curves stay, the decision moves.
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoise {

// log(p / (1 - p)); infinite at 0 and 1.
double logit(double p);
// 1 / (1 + e^-z)
double probability(double z);

// Post-hoc logit adjustment, Menon et al. 2020 (arXiv:2007.07314) eq. 9: predict with z_k - tau log(n_k / N). For one
// logit z of the positive class that is z less this shift, tau log(n_1 / n_0). With tau = 1 it is the prior correction
// of Saerens et al. 2002 to balanced classes. A class without samples counts as one.
double prior_shift(int64_t positives, int64_t negatives, double tau = 1);

// The same for other priors: a model trained where the positive class has the share `from` says z; where it has the
// share `to`, the log odds are z - prior_shift. Sampling and class weights move `from`: balanced ones make it 1/2. Both
// shares lie between 0 and 1; throws otherwise.
double prior_shift(double from, double to);

// Temperature scaling, Guo et al. 2017 (arXiv:1706.04599): the T > 0 for which z / T has the smallest log loss on
// samples that were not trained on. is_positive has an entry a logit. T is kept within [0.01, 100]: logits that
// separate the classes would send it to 0. Throws for no logits, and where their numbers differ.
double fit_temperature(const std::vector<double>& logits, const std::vector<bool>& is_positive);

}  // namespace counterpoise
