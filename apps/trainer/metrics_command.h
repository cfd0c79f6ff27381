// The `metrics` command: every metric of a CSV file's scores.
#pragma once

#include "apps/trainer/program.h"

namespace counterpoise {

// Prints every metric of a file's scores as JSON. argv[0] is the command's name. Throws Error(invalid_argument) for a
// wrong command line and Error(bad_data) for a file without the columns or values it needs.
Exit metrics_command(int argc, char** argv);

}  // namespace counterpoise
