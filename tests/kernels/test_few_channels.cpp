// The first layer's convolution by tensor cores (kernels/cuda/conv_few_channels.cu).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/ops.h"
#include "kernels/conv_plans.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/gpu.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

OpRow convolution(const Shape& x, Conv2dParams params, bool relu, bool bias) {
  OpRow row{"conv2d", "few channels", {{x}, {{64, 3, 3, x[3]}, Input::normal, 0.2}}, nullptr};
  if (bias) row.inputs.push_back({{64}});
  row.f = [=](Inputs v) { return conv2d(v[0], v[1], bias ? v[2] : Var(), params, relu); };
  return row;
}

std::vector<float> numbers_of(const Tensor& x) {
  Tensor y = Tensor::empty(x.backend(), x.shape());
  x.backend().cast(x, y);
  return y.to_vector<float>();
}

}  // namespace

// Tiles are 8x32 pixels: there are whole ones, parts of one in both directions, several images, images that are smaller
// than the filter, and more tiles than the 264 blocks that are started. Two roundings to bf16 may be 2^-7 apart.
TEST_CASE("conv few channels: agrees with the reference at the edges of images and tiles" * needs_gpu()) {
  Backend& backend = *cuda_backend();
  const Shape shapes[] = {{1, 1, 1, 3}, {1, 8, 32, 3}, {2, 9, 33, 3}, {3, 17, 5, 8}, {1, 3, 70, 1}, {270, 1, 2, 3}};
  backend.set_mode({/*tf32=*/false, /*deterministic=*/true});  // by the first plan, which is ours
  bool bias = true;
  for (const Shape& shape : shapes) {
    for (const Conv2dParams params : {Conv2dParams{1, 1}, {1, 2}, {1, 0}}) {
      if (params.pad == 0 && shape[1] < 3) continue;
      if (params.pad == 2 && shape[0] > 100) continue;  // the same once more
      CAPTURE(shape);
      CAPTURE(params.pad);
      CAPTURE(bias);
      const OpRow row = convolution(shape, params, /*relu=*/bias, bias);
      check_agree(run(row, backend, DType::bf16), run(row, reference_backend(), DType::bf16), 0.0079);
      bias = !bias;
    }
  }
  backend.set_mode({});
}

TEST_CASE("conv few channels: the same bits in every run, and NaN where one is looked at" * needs_gpu()) {
  Backend& backend = *cuda_backend();
  backend.set_mode({/*tf32=*/false, /*deterministic=*/true});
  const Shape shape{3, 20, 40, 8};
  Tensor x = random_tensor(backend, shape, DType::bf16), w = random_tensor(backend, {64, 3, 3, 8}, DType::bf16, 1),
         dy = random_tensor(backend, {3, 20, 40, 64}, DType::bf16, 2);
  Tensor y = Tensor::empty(backend, dy.shape(), DType::bf16), dw = Tensor::empty(backend, w.shape(), DType::bf16);
  const auto compute = [&] {
    backend.fill(NAN, y);
    backend.fill(NAN, dw);
    backend.conv2d(x, w, {}, {}, {1, 1}, false, y);
    backend.conv2d_grad_weight(x, dy, {1, 1}, dw);
    return std::pair(numbers_of(y), numbers_of(dw));
  };
  const auto first = compute();
  CHECK(compute() == first);
  for (const auto& numbers : {first.first, first.second}) {
    for (const float number : numbers) REQUIRE(std::isfinite(number));
  }

  // The pixel at row 7, column 31, of the second image, on the corner of four tiles.
  const Index pixel = (1 * 20 + 7) * 40 + 31;
  std::vector<float> numbers = numbers_of(x);
  numbers[static_cast<size_t>(pixel * 8)] = NAN;
  backend.cast(Tensor::from(backend, shape, numbers), x);
  const auto spread = compute().first;
  for (Index i = 0; i < y.size(); ++i) {
    const Index at = i / 64, n = at / 800, row = at / 40 % 20, column = at % 40;
    const bool sees = n == 1 && std::abs(row - 7) <= 1 && std::abs(column - 31) <= 1;
    CAPTURE(i);
    REQUIRE(std::isnan(spread[static_cast<size_t>(i)]) == sees);
  }
  backend.set_mode({});
}

TEST_CASE("conv few channels: is a plan of its own, with which cuDNN's are compared" * needs_gpu()) {
  for (const ConvPass pass : {ConvPass::forward, ConvPass::grad_weight, ConvPass::grad_input}) {
    std::vector<std::string> names;
    time_conv_plans(*cuda_backend(), pass, {2, 32, 32, 3}, {64, 3, 3, 3}, {1, 1}, DType::bf16, false,
                    [&](const ConvPlanTiming& timing) {
                      CHECK(timing.agrees);
                      CHECK(timing.refusal == "");
                      names.push_back(timing.name);
                    });
    CAPTURE(int(pass));
    REQUIRE(names.size() >= 2);
    CHECK((names[0] == "few channels") == (pass != ConvPass::grad_input));
    CHECK(std::count(names.begin(), names.end(), "few channels") == (pass != ConvPass::grad_input));
  }
}
