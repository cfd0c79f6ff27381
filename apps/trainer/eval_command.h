// catdog eval: saved weights against the validation pictures.
#pragma once

#include "apps/trainer/options.h"

namespace counterpoise {

// Prints the confusion matrix to stdout, and writes result.json and predictions.csv if there is an --output.
Exit eval(Options options);

}  // namespace counterpoise
