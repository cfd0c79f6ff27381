// How many samples of each class an artificially imbalanced training set keeps: the profiles of the benchmarks of
// long-tailed recognition, such as CIFAR-10-LT.
//
//   subset(dataset, imbalanced_counts("exp:100", dataset.counts()), /*natural=*/true, seed);
//
// Of ten classes of 5000 samples that keeps 5000, 2997, 1796, 1077, 645, 387, 232, 139, 83 and 50.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace counterpoise {

// The number of samples to keep of each of K classes, in their order, of available[k] each. With the imbalance factor f
// and n = min over k of available[k]:
//
//   "exp:f"    a long tail: floor(n f^(-k / (K - 1))) of class k = 0 ... K - 1 (Cui et al. 2019, section 5)
//   "step:f"   n of the first K - floor(K / 2) classes, floor(n / f) of the others (Buda et al. 2018; Cao et al. 2019)
//   "none"     available[k]
//
// The most frequent class has f times as many samples as the rarest. Throws Error(invalid_argument) for another text,
// f < 1 or fewer than two classes; and Error(bad_data) if a class would keep no sample. Safe to call from several
// threads.
std::vector<int64_t> imbalanced_counts(const std::string& spec, const std::vector<int64_t>& available);

}  // namespace counterpoise
