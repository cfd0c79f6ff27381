// The `predict` command: classifies images with saved weights.
//
//   counterpoise predict --weights runs/a/best.safetensors photos/ > predictions.csv
//   find . -name '*.png' | counterpoise predict --weights runs/a/best.safetensors - --format jsonl
#pragma once

#include "apps/trainer/program.h"

namespace counterpoise {

// The command; argv[0] is its word. Writes a line per image, in the order in which they are named, as soon as its batch
// is done. Returns ok; bad_data if an image could not be read, after all others were predicted; or 128 + the number of
// the signal that stopped it. Throws Error for a wrong command line and unusable weights. To be called by the main
// thread.
Exit predict_command(int argc, char** argv);

}  // namespace counterpoise
