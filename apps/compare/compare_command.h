// counterpoise compare: trains techniques with several seeds and folds, and prints a table of their metrics.
//
//   counterpoise compare --output runs/c --data DIR --seeds 5 -- "--loss bce" "focal: --loss focal --gamma 2"
//   counterpoise compare --output runs/c --list rows.txt --shard 1/2
//   counterpoise compare --output runs/c                                  # continues, and prints the table again
#pragma once

#include "apps/trainer/program.h"

namespace counterpoise {

// The command; argv[0] is its word. Prints the table to stdout and writes compare.md, compare.csv and compare.json.
// Returns ok, `failure` if a training failed, or 128 + the number of the signal that stopped it. Throws Error for a
// wrong command line and if it cannot run. To be called by the main thread, where StopSignals
// catches signals.
Exit compare_command(int argc, char** argv);

}  // namespace counterpoise
