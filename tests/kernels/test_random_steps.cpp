#include "tests/gpu.h"
#include "tests/kernels/random_steps.h"

using namespace counterpoise;

TEST_CASE("gpu: a step that is made up at random computes the same as a graph" * needs_gpu()) {
  int64_t as_graph = 0, steps = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    const random_steps::Counts counts = random_steps::run(seed);
    as_graph += counts.as_graph, steps += counts.steps;
  }
  CHECK(as_graph > steps / 3);
}
