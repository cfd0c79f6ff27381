// catdog eval: saved weights against the validation images.
#pragma once

#include "apps/trainer/options.h"
#include "apps/trainer/program.h"

namespace counterpoise {

// Prints the confusion matrix to stdout, and writes result.json and predictions.csv if there is an --output.
Exit eval(Options options);

}  // namespace counterpoise
