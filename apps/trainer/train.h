// catdog train: the experiment of the lectures, which trains a VGG on imbalanced images and evaluates it.
#pragma once

#include "apps/trainer/options.h"
#include "apps/trainer/program.h"

namespace counterpoise {

// Trains as the options say and prints the confusion matrix to stdout. Returns ok, or 128 + the signal's number if a
// signal stopped it, after saving the weights. Throws Error if it fails. To be called by the main thread.
Exit train(Options options);

}  // namespace counterpoise
