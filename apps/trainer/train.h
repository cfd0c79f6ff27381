// catdog train: the experiment of the lectures. Pictures, a VGG, a loss, an optimizer; then the confusion matrix.
#pragma once

#include "apps/trainer/options.h"

namespace counterpoise {

// Trains as the options say and prints the result to stdout. Returns ok, or 128 + the signal after one,
// when what was learnt has been saved. Throws Error otherwise.
Exit train(Options options);

}  // namespace counterpoise
