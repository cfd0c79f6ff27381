// The command line of the program augment.
#pragma once

#include "apps/trainer/program.h"

namespace counterpoise {

// Writes a contact sheet of augmented images. Throws Error, with the flag in its message, for a wrong command line.
Exit augment_command(int argc, char** argv);

}  // namespace counterpoise
