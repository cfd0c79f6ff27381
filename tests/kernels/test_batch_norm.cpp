// The statistics of batch normalization where a sum of squares would lose them.
#include <doctest/doctest.h>

#include <cmath>

#include "tests/backends.h"

using namespace counterpoise;

namespace {

// The mean and 1 / sqrt(var + eps) that a backend finds for each channel of x [rows, C].
std::vector<std::vector<double>> statistics(Backend& backend, const Shape& shape, const std::vector<float>& x,
                                            DType dtype, double eps) {
  const DType parameters = parameter_dtype(dtype);
  const auto full = [&](double value) { return Tensor::full(backend, {shape[1]}, value, parameters); };
  const Tensor in = Tensor::from(backend, shape, x).cast(dtype), scale = full(1), shift = full(0);
  Tensor y = Tensor::empty(backend, shape, dtype), mean = full(0), inv_std = full(0), running_mean = full(0),
         running_var = full(1);
  backend.batch_norm(in, scale, shift, {}, eps, 0.1, false, y, mean, inv_std, running_mean, running_var);
  const auto values = [](const Tensor& t) { return t.cast(DType::f64).to_vector<double>(); };
  return {values(mean), values(inv_std)};
}

}  // namespace

TEST_CASE("kernels: batch normalization finds a variance beside a large mean, and with an outlier wherever it stands") {
  const Index rows = 4096;
  for (const Index channels : {Index(9), Index(16)}) {
    for (const Index outlier : {Index(-1), Index(0), rows / 3, rows / 3 * 2, rows - 1}) {
      std::vector<float> x(static_cast<size_t>(rows * channels));
      for (Index row = 0; row < rows; ++row) {
        for (Index c = 0; c < channels; ++c) {
          const double wave = std::sin(0.7 * static_cast<double>(row * (c + 1)));
          x[static_cast<size_t>(row * channels + c)] = static_cast<float>(row == outlier ? 4096
                                                                          : outlier < 0  ? 1024 + 16 * wave
                                                                                         : wave);
        }
      }
      for (const DType dtype : {DType::f32, DType::bf16}) {
        const auto expected = statistics(reference_backend(), {rows, channels}, x, dtype, 1e-5);
        for (const TestBackend& machine : test_backends()) {
          if (!computes_in(machine.backend, dtype)) continue;
          CAPTURE(machine.backend.name());
          CAPTURE(int(dtype));
          CAPTURE(outlier);
          const auto found = statistics(machine.backend, {rows, channels}, x, dtype, 1e-5);
          for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
            CHECK(found[0][c] == doctest::Approx(expected[0][c]).epsilon(1e-6));
            CHECK(found[1][c] == doctest::Approx(expected[1][c]).epsilon(2e-6));
          }
        }
      }
    }
  }
}
