// The `show` command: images of what a training with some options sees, and of what a run got wrong.
#pragma once

#include "apps/trainer/options.h"
#include "apps/trainer/program.h"

namespace counterpoise {

// Takes the options of a training, and its own. Prints the number of images of each class and the names of the files
// that it wrote. argv[0] is the command's word. Throws Error. To be called by the main thread.
Exit show_command(const ProgramDefaults& defaults, int argc, char** argv);

}  // namespace counterpoise
