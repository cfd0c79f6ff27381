// Class weights against imbalance: the rarer a class, the higher the weight of each of its samples.
//
// Thread safety: these functions use no state of their own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace counterpoise {

// The schemes take the number of training samples n_k of each of K classes, N in all, and return [K] weights. A class
// without samples gets weight 0.

// N / (K n_k) (King and Zeng 2001; scikit-learn's "balanced"). Where every class has samples, the mean of the weights
// over all samples is 1, so that the mean size of an update stays the same. Counts of 1000 and 11000 give 6 and 0.5455.
std::vector<double> balanced_weights(const std::vector<int64_t>& counts);

// In proportion to n_k^-power, adding up to K. power = 1 is inverse frequency, 0.5 inverse square root, 0 no weighting.
std::vector<double> inverse_weights(const std::vector<int64_t>& counts, double power = 1);

// In proportion to (1 - beta) / (1 - beta^n_k), adding up to K: the inverse of the "effective number" of samples, Cui
// et al. 2019 (arXiv:1901.05555). beta = 0 is no weighting, beta -> 1 inverse frequency. Throws unless 0 <= beta < 1.
std::vector<double> effective_weights(const std::vector<int64_t>& counts, double beta);

// [K] whether fewer than this share of all samples are the class's: n_k < share N.
std::vector<bool> rare_classes(const std::vector<int64_t>& counts, double share);

// median(n) / n_k, with the median over the classes that have samples: Eigen and Fergus 2015 (arXiv:1411.4734) section
// 6.3.2.
std::vector<double> median_weights(const std::vector<int64_t>& counts);

// A scheme by its name: "none" (an empty vector), "balanced", "inverse", "sqrt", "effective" (beta 0.999) or
// "effective=0.9999", "median"; or a weight for each class, 0 or from 1e-6 to 1e6: "cat=6,dog=0.55". Throws
// Error(invalid_argument) for anything else, naming the schemes and the classes.
std::vector<double> parse_class_weights(const std::string& spec, const std::vector<std::string>& classes,
                                        const std::vector<int64_t>& counts);

// "cat=1000,dog=11000" as one number per class; classes that are not named get `missing`. A name may hold commas and
// equals signs: of the names that fit, the longest is read. Throws
// Error(invalid_argument) for a name that is not a class, a class given twice, and what is not a number >= 0.
std::vector<double> parse_per_class(const std::string& spec, const std::vector<std::string>& classes, double missing);

}  // namespace counterpoise
