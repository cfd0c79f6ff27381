// The commands of the programs that train: train, eval, predict, ... Both programs have all of them.
#pragma once

#include <string>

#include "apps/trainer/options.h"

namespace counterpoise {

// What main() of catdog and of counterpoise does: runs the command that argv[1] names, with the program's defaults, and
// returns the exit code. Where the defaults are the lectures', `train` need not be named. To be called by the main
// thread.
int run_trainer(const std::string& program, const ProgramDefaults& defaults, int argc, char** argv);

}  // namespace counterpoise
