// catdog train: the experiment of the lectures. Images, a VGG, a loss, an optimizer; then the confusion matrix.
#pragma once

#include "apps/trainer/options.h"
#include "apps/trainer/program.h"

namespace counterpoise {

// Trains as the options say and prints the result to stdout. Returns ok, or 128 + the signal after one,
// when what was learned has been saved. Throws Error otherwise.
Exit train(Options options);

}  // namespace counterpoise
