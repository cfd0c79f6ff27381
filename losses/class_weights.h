// Weights of classes, against imbalance: the rarer a class, the more each of its samples counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace counterpoise {

// The schemes, for n_c samples of class c out of N in K classes. A class without samples gets weight 0.

// N / (K n_c) (King and Zeng 2001; scikit-learn's "balanced"): their mean over all samples is 1, so the size of a step
// stays what it was. 1000 and 11000 give 6 and 0.5455.
std::vector<double> balanced_weights(const std::vector<int64_t>& counts);

// In proportion to n_c^-power, adding up to K: 1 is inverse frequency, 0.5 its square root, 0 no weights at all.
std::vector<double> inverse_weights(const std::vector<int64_t>& counts, double power = 1);

// (1 - beta) / (1 - beta^n_c), adding up to K: the inverse of the "effective number" of samples, Cui et al. 2019
// (arXiv:1901.05555). 0 <= beta < 1: 0 is no weights, towards 1 it becomes inverse frequency.
std::vector<double> effective_weights(const std::vector<int64_t>& counts, double beta);

// median(n) / n_c, the median over classes that have samples: Eigen and Fergus 2015 (arXiv:1411.4734) section 6.3.2.
std::vector<double> median_weights(const std::vector<int64_t>& counts);

// A scheme by its name: "none" (an empty vector), "balanced", "inverse", "sqrt", "effective" (beta 0.999) or
// "effective=0.9999", "median"; or a weight for each class: "cat=6,dog=0.55". Throws Error(invalid_argument) for
// anything else, naming the schemes and the classes.
std::vector<double> parse_class_weights(const std::string& spec, const std::vector<std::string>& classes,
                                        const std::vector<int64_t>& counts);

// "cat=1000,dog=11000" as one number for each class; classes that are not named get `missing`.
// Throws Error(invalid_argument) for a name that is no class, one given twice, or what is not a number >= 0.
std::vector<double> parse_per_class(const std::string& spec, const std::vector<std::string>& classes, double missing);

}  // namespace counterpoise
