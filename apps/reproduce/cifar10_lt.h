// CIFAR-10-LT, the benchmark of long-tailed recognition (Cui et al. 2019, arXiv:1901.05555; Cao et al. 2019,
// arXiv:1906.07413): methods with the papers' recipe, and the numbers of the papers. The functions are pure, so they
// are safe to call from several threads.
#pragma once

#include <string>

#include "apps/reproduce/study.h"

namespace counterpoise {

struct Cifar10LtRequest {
  std::string data;     // folder of CIFAR-10: train/ and validation/, which is its test set, with a folder per class
  int imbalance = 100;  // images of the largest class by those of the smallest: 100 or 10
  int epochs = 200;     // of training; the recipe's other times are in proportion
  std::string model = "resnet32";
};

// The methods. Throws Error(invalid_argument) for an unknown network, another imbalance and missing data.
Study cifar10_lt_study(const Cifar10LtRequest& request);

}  // namespace counterpoise
