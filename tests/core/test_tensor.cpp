// What tensors and windows refuse before a kernel sees them.
#include <doctest/doctest.h>

#include "core/ops.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"

using namespace counterpoise;

TEST_CASE("tensor: expand and sum_to refuse shapes of which a kernel would read or write past the end") {
  const Tensor x = Tensor::full(guarded_cpu(), {3, 2}, 1);
  CHECK(numbers(expand(Tensor::full(guarded_cpu(), {2}, 5), {3, 2})) == std::vector<double>(6, 5));
  CHECK(numbers(sum_to(x, {3, 1})) == std::vector<double>(3, 2));
  for (const Shape& shape : {Shape{4, 2}, Shape{2}, Shape{}, Shape{3, 3}}) {
    CAPTURE(str(shape));
    CHECK(fails(ErrorKind::failure, {"expand", str(shape), "[3, 2]", "broadcast"}, [&] { expand(x, shape); }));
  }
  for (const Shape& shape : {Shape{4, 2}, Shape{3}, Shape{1, 3, 2}, Shape{3, 3}}) {
    CAPTURE(str(shape));
    CHECK(fails(ErrorKind::failure, {"sum_to", str(shape), "[3, 2]", "broadcast"}, [&] { sum_to(x, shape); }));
    CHECK(fails(ErrorKind::failure, {"sum_to", str(shape), "[3, 2]", "broadcast"}, [&] { sum_to(Var(x), shape); }));
  }
}

TEST_CASE("tensor: the one element of a tensor is read in every dtype") {
  for (const TestBackend& machine : test_backends()) {
    CHECK(Tensor::from<int32_t>(machine.backend, {1}, {-16777217}).item() == -16777217);
    CHECK(Tensor::from<uint8_t>(machine.backend, {}, {255}).item() == 255);
    CHECK(Tensor::from<float>(machine.backend, {1, 1}, {0.5f}).item() == 0.5);
    CHECK(Tensor::from<double>(machine.backend, {}, {0.1}).item() == 0.1);
  }
}

TEST_CASE("ops: a convolution has a kernel, and a window a size and a stride") {
  const Var image = Tensor::full(guarded_cpu(), {1, 4, 4, 2}, 1);
  for (const Shape& shape : {Shape{1, 0, 0, 2}, Shape{1, 3, 0, 2}}) {
    const Var kernel = Tensor::zeros(guarded_cpu(), shape);
    CHECK(fails(ErrorKind::failure, {"conv2d", "kernel", "no weights"}, [&] { conv2d(image, kernel, {}, {}); }));
    CHECK(fails(ErrorKind::failure, {"conv2d_relu_max_pool2d", "no weights"},
                [&] { conv2d_relu_max_pool2d(image, kernel, {}, {}, {}); }));
  }
  for (const Pool2dParams& params : {Pool2dParams{0, 1, 0}, Pool2dParams{2, 0, 0}, Pool2dParams{2, 1, -1}}) {
    CHECK(fails(ErrorKind::failure, {"avg_pool2d", "stride must be positive"}, [&] { avg_pool2d(image, params); }));
  }
}
