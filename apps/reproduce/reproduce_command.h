// catdog reproduce: repeats published experiments, and prints ours beside the published numbers.
//
//   catdog reproduce --scale synthetic --seeds 3                       # every row of the two lectures
//   catdog reproduce R4 R8 --scale small --data DIR --seeds 3          # two of them, on photographs
//   counterpoise reproduce cifar10-lt --data DIR --imbalance 100       # the field's benchmark
#pragma once

#include "apps/trainer/program.h"

namespace counterpoise {

// The command; argv[0] is its word. Prints the table to stdout, and writes reproduce.md, .csv and .json. Returns ok,
// `failure` if a training failed, or 128 + the number of the signal that stopped it. Throws Error for a wrong command
// line and if it cannot run. To be called by the main thread, where StopSignals catches signals.
Exit reproduce_command(int argc, char** argv);

}  // namespace counterpoise
