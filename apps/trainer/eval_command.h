// catdog eval: evaluates saved weights on the validation images.
#pragma once

#include "apps/trainer/options.h"
#include "apps/trainer/program.h"

namespace counterpoise {

// Prints the confusion matrix to stdout, and writes result.json and predictions.csv if there is an --output. Returns
// ok, or 128 + the signal's number if a signal stopped it. Throws Error if it fails. To be called by the main thread.
Exit eval(Options options);

}  // namespace counterpoise
