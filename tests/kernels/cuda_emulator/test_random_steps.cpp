// Random steps (tests/kernels/random_steps.h) where memory is short. AddressSanitizer sees memory that is released
// before work that is kept has read it.
#include "tests/gpu.h"
#include "tests/kernels/cuda_emulator/device.h"
#include "tests/kernels/random_steps.h"

using namespace counterpoise;

namespace {
// Of the emulated GPU, in one of four steps: perhaps too little even without graphs.
struct ShortOfMemory final : random_steps::Scarcity {
  const size_t all = gpu().memory;
  bool begin(random_steps::Random& random) override {
    if (random.one_in(4)) gpu().memory = gpu().used + static_cast<size_t>(random.below(40000));
    return gpu().memory != all;
  }
  void end() override { gpu().memory = all; }
};
}  // namespace

TEST_CASE("gpu: a step that is made up at random computes the same as a graph where memory is short" *
          needs_emulated_gpu()) {
  int64_t as_graph = 0, steps = 0;
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    const random_steps::Counts counts = random_steps::run(seed, ShortOfMemory());
    as_graph += counts.as_graph, steps += counts.steps;
  }
  CHECK(as_graph > steps / 4);
}
