// Decorators of tests that need a GPU. Where there is none, these tests are counted as skipped, not as passed:
//
//   TEST_CASE("..." * needs_gpu()) { ... }
//
// doctest evaluates them when the program starts.
#pragma once

#include <doctest/doctest.h>

#include "kernels/backend.h"

namespace counterpoise {

inline doctest::skip needs_gpu() { return doctest::skip(cuda_backend() == nullptr); }

// The emulated GPU, which can be broken on purpose: make test CUDA=emulated.
inline doctest::skip needs_emulated_gpu() {
  return doctest::skip(!cuda_backend() || cuda_backend()->description().find("emulated") == std::string::npos);
}

}  // namespace counterpoise
