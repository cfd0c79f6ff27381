// The commands that explain losses, as a program of their own and as a command of counterpoise.
#pragma once

#include "apps/trainer/program.h"

namespace counterpoise {

// argv[1] is the command: list, eval, walk, tables or curves. Prints to stdout. Throws Error if it fails. To be called
// by the main thread.
Exit losses_command(int argc, char** argv);

}  // namespace counterpoise
