// The version of this program and of what it was built with.
#pragma once

#include <string>

#include "apps/trainer/program.h"

namespace counterpoise {

// Several lines: version, compiler and flags, the GPU and its libraries, the BLAS, stb_image's version.
// Safe to call from several threads.
std::string version_text();

}  // namespace counterpoise
