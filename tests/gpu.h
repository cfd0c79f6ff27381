// Decorators of tests that need a GPU. Where there is none, these tests are counted as skipped, not as passed:
//
//   TEST_CASE("..." * needs_gpu()) { ... }
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace counterpoise {

// A doctest decorator, which only notes the test: main() looks for the GPU, because CUDA cannot be used earlier, when
// tests are registered.
struct NeedsGpu {
  bool emulated;
  void fill(doctest::detail::TestCase& test) const;
};

inline NeedsGpu needs_gpu() { return {false}; }
// The emulated GPU, which can be broken on purpose: make test CUDA=emulated.
inline NeedsGpu needs_emulated_gpu() { return {true}; }

// The names of the tests that have to be skipped on this machine.
std::vector<std::string> tests_without_their_gpu();

}  // namespace counterpoise
