// Weights of classes, against imbalance: the rarer a class, the more each of its samples counts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace counterpoise {

// N / (K n_c) for N samples in K classes of n_c each (King and Zeng 2001; scikit-learn's "balanced"): their mean over
// all samples is 1, so the size of a step stays what it was. A class without samples gets weight 0.
// 1000 and 11000 give 6 and 0.5455.
std::vector<double> balanced_weights(const std::vector<int64_t>& counts);

// "none" (an empty vector), "balanced", or a weight for each class: "cat=6,dog=0.55". Throws Error(Exit::usage) for
// anything else, naming the classes.
std::vector<double> parse_class_weights(const std::string& spec, const std::vector<std::string>& classes,
                                        const std::vector<int64_t>& counts);

// "cat=1000,dog=11000" as one number for each class; classes that are not named get `missing`. `flag` is for messages.
// Throws Error(Exit::usage) for a name that is no class, one given twice, or what is no number >= 0.
std::vector<double> parse_per_class(const std::string& flag, const std::string& spec,
                                    const std::vector<std::string>& classes, double missing);

}  // namespace counterpoise
