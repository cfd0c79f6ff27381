// What this program is and was built with.
#pragma once

#include <string>

#include "apps/trainer/program.h"

namespace counterpoise {

// Several lines: version, compiler and flags, CUDA or not, OpenBLAS and its core, stb_image's version.
std::string version_text();

}  // namespace counterpoise
