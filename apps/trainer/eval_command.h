// catdog eval: evaluates saved weights on the validation images.
#pragma once

#include <map>
#include <string>

#include "apps/trainer/decision.h"
#include "apps/trainer/options.h"
#include "apps/trainer/program.h"

namespace counterpoise {

// What the metadata of the weights' file say and the command line does not: sets o.model, o.image_size and o.positive,
// and returns the decision, all but its `positive`. Throws Error(bad_data) for a value that is out of range.
Decision read_description(Options& o, const std::map<std::string, std::string>& metadata);

// Prints the confusion matrix to stdout, and writes result.json and predictions.csv if there is an --output. Returns
// ok, or 128 + the signal's number if a signal stopped it. Throws Error if it fails. To be called by the main thread.
Exit eval(Options options);

}  // namespace counterpoise
