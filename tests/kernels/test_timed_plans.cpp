// Convolutions whose algorithm was chosen by timing. (The other tests of operations compute in the deterministic mode,
// in which nothing is timed.)
#include <doctest/doctest.h>

#include <cmath>

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

// On a real GPU alone: the emulated one would take a minute.
TEST_CASE("kernels: a gradient through relu by a compiled kernel is that of the pair of kernels" * needs_gpu()) {
  Backend& backend = *cuda_backend();
  if (backend.description().find("emulated") != std::string::npos) return;
  const auto distance = [](Tensor a, const Tensor& b) {
    a.backend().add_scaled(-1, b, a);
    return std::sqrt(sum_squares({a}) / sum_squares({b}));
  };
  for (const DType dtype : {DType::bf16, DType::f32}) {
    const bool tf32 = dtype == DType::f32;
    const Tensor x = random_tensor(backend, {32, 128, 128, 64}, dtype),
                 dy = random_tensor(backend, x.shape(), dtype, 1), w = random_tensor(backend, {64, 3, 3, 64}, dtype, 2);
    Tensor dz = Tensor::empty(backend, x.shape(), dtype), db = Tensor::empty(backend, {64});
    const auto compute = [&](bool compile) {
      backend.set_mode({tf32, false, compile});
      backend.conv2d_grad_input_relu(dy, w, {1, 1}, x, dz, db);
    };
    compute(false);
    const Tensor expected = dz.clone(), expected_db = db.clone();
    for (int use = 1; use <= 5; ++use) {
      CAPTURE(int(dtype));
      CAPTURE(use);
      compute(true);
      CHECK(distance(dz.clone(), expected) < (tf32 ? 0.003 : 0.01));
      CHECK(distance(db.clone(), expected_db) < (tf32 ? 0.003 : 0.01));
    }
  }
  backend.set_mode({});
}
