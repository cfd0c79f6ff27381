// Convolutions whose algorithm was chosen by timing. (The other tests of operations compute in the deterministic mode,
// in which nothing is timed.)
#include <doctest/doctest.h>

#include "core/ops.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/gpu.h"

using namespace counterpoise;

TEST_CASE("kernels: convolutions agree with the reference before and after their plans were timed" * needs_gpu()) {
  Backend& backend = *cuda_backend();
  const size_t fallbacks = backend.fallbacks().size();
  struct Mode {
    DType dtype;
    bool tf32;
    double tolerance;
  };
  // Products of TF32 are exact to 2^-10; two roundings to bf16 may be 2^-7 apart.
  for (const Mode& mode :
       {Mode{DType::f32, false, 2e-5}, Mode{DType::f32, true, 2e-3}, Mode{DType::bf16, false, 0.0079}}) {
    backend.set_mode({mode.tf32, /*deterministic=*/false});
    for (const auto& [C, K] : {std::pair<Index, Index>{3, 16}, {16, 32}, {64, 64}}) {
      const OpRow row{"conv2d", "timed", {{{4, 12, 12, C}}, {{K, 3, 3, C}, Input::normal, 0.2}, {{K}}}, [](Inputs v) {
                        return conv2d(v[0], v[1], v[2], {1, 1});
                      }};
      const Run expected = run(row, reference_backend(), mode.dtype);
      for (int use = 1; use <= 5; ++use) {
        CAPTURE(int(mode.dtype));
        CAPTURE(mode.tf32);
        CAPTURE(C);
        CAPTURE(use);
        check_agree(run(row, backend, mode.dtype), expected, mode.tolerance);
      }
    }
  }
  backend.set_mode({});
  CHECK(backend.fallbacks().size() == fallbacks);
}
