// What exercise 14 returns: what is different from plain training.
#pragma once

#include <counterpoise/counterpoise.h>

#include <string>
#include <vector>

// A check takes seconds: one repetition must do where others are repeated.
#define CP_SLOW_CHECK

namespace counterpoise {

struct Technique {
  std::string loss = "bce";                // any loss of the library with one logit
  LossParams parameters = {};              // of the loss: {{"gamma", 2}}
  std::vector<double> class_weights = {};  // {of a cat, of a dog}; empty: none
  std::string sampler = "shuffle";         // any sampler of the library
  std::vector<int64_t> images = {};        // how many {cats, dogs} are used at all; empty: all
  std::string augment = "none";            // any augmentation: "flip"
  // The rule that chooses the decision threshold on validation images: "f1", "recall=0.9", ...; empty: the logit 0.
  std::string threshold = "";
};

}  // namespace counterpoise
