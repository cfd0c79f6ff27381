// Scales and shifts of logits, by which losses make room for rare classes. Safe to use from several threads.
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoise {

// u_k = scale_k z_k + shift_k, each [K]. With one logit the scale goes with the sample's class, and the difference of
// the shifts is added to the true class's logit.
struct LogitScaling {
  std::vector<double> scale, shift;
};

// The numbers of samples of the classes, at least 1 each.
std::vector<double> at_least_one(const std::vector<int64_t>& counts);

// That of the vector scaling loss, Kini et al. 2021 (arXiv:2103.01550), of classes with n_k of the N samples:
//   scale_k = (n_k / n_max)^gamma,   shift_k = tau log(n_k / N)
// A class without samples counts as one.
LogitScaling logit_scaling(const std::vector<int64_t>& counts, double gamma, double tau);

// The constant logits with the least cross-entropy of the scaled logits, where classes have these shares (positive
// numbers) of the samples: as many as `outputs`, K or 1, which is the logit of the class `positive`, of two. K logits
// are unique but for a constant that is added to all of them scaled; those with the least sum of squares are returned.
std::vector<double> constant_logits(const LogitScaling& scaling, const std::vector<double>& shares, int outputs,
                                    int positive);

}  // namespace counterpoise
