// Means over repeated trainings, and differences between techniques that were trained with the same seeds and folds.
// The functions are pure, so they are safe to call from several threads.
#pragma once

#include <cstddef>
#include <vector>

namespace counterpoise {

// Values that are NaN are left out.
struct Summary {
  size_t count = 0;
  double mean = 0;       // NaN for none
  double deviation = 0;  // of the sample, with count - 1; NaN for fewer than two
};
Summary summarize(const std::vector<double>& values);

// Two techniques' values of one metric, paired by seed and fold; pairs with a NaN are left out.
//
// The standard error of the mean of n differences d with sample variance s^2 is s / sqrt(n), if there are no folds.
// Trainings on different folds share most of their images, so that their differences are correlated, and with K folds
// it is the corrected s sqrt(1 / n + 1 / (K - 1)), in which 1 / (K - 1) is the ratio of evaluated to training images
// (Nadeau and Bengio 2003, "Inference for the Generalization Error", Machine Learning 52; for repeated folds Bouckaert
// and Frank 2004).
struct Paired {
  size_t pairs = 0, better = 0;  // pairs in which `values` is better, without ties
  double difference = 0;         // mean of values - reference; NaN for no pairs
  double error = 0;              // its standard error; NaN for fewer than two pairs

  // Whether the difference is in favor of `values` by more than two standard errors.
  bool clear(bool lower_is_better) const;
};
Paired paired(const std::vector<double>& values, const std::vector<double>& reference, int folds, bool lower_is_better);

}  // namespace counterpoise
