// Convolutions of 1 x 1 on the cpu backend, which are products of the pixels with the weights.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <vector>

#include "core/random.h"
#include "kernels/conv_geometry.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/simd.h"
#include "tests/backends.h"

using namespace counterpoise;
using namespace counterpoise::detail;

namespace {

// Every pass of a 1 x 1 convolution, by the cpu backend and by the reference's loops.
template <class T>
struct Pointwise {
  Index N, H, W, C, K;
  bool bias, residual, relu;
  std::vector<T> y, dx, dw;

  void compute(Backend& backend) {
    const DType dtype = sizeof(T) == sizeof(float) ? DType::f32 : DType::f64;
    const Shape pixels{N, H, W, C}, kernel{K, 1, 1, C}, outputs{N, H, W, K};
    Random rng(1, Stream::test);
    const auto draw = [&](const Shape& shape) {
      std::vector<T> values(static_cast<size_t>(shape.size()));
      for (T& v : values) v = static_cast<T>(rng.uniform(-1.7320508f, 1.7320508f));
      return values;
    };
    const auto x = draw(pixels), w = draw(kernel), b = draw({K}), r = draw(outputs), dy = draw(outputs);
    y.assign(dy.size(), NAN), dx.assign(x.size(), NAN), dw.assign(w.size(), NAN);
    const auto in = [&](const std::vector<T>& v, const Shape& shape) { return ConstView{v.data(), shape, dtype}; };
    backend.conv2d(in(x, pixels), in(w, kernel), bias ? in(b, {K}) : ConstView{},
                   residual ? in(r, outputs) : ConstView{}, {1, 0}, relu, View{y.data(), outputs, dtype});
    backend.conv2d_grad_input(in(dy, outputs), in(w, kernel), {1, 0}, View{dx.data(), pixels, dtype});
    backend.conv2d_grad_weight(in(x, pixels), in(dy, outputs), {1, 0}, View{dw.data(), kernel, dtype});
  }
};

// The largest difference, relative to the root mean square of the numbers.
template <class T>
double difference(const std::vector<T>& got, const std::vector<T>& wanted) {
  double largest = 0, squares = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    largest = std::fmax(largest, std::isnan(got[i]) ? INFINITY : std::fabs(double(got[i]) - double(wanted[i])));
    squares += double(wanted[i]) * double(wanted[i]);
  }
  return got.empty() ? 0 : largest / std::sqrt(squares / double(got.size()) + 1e-300);
}

template <class T>
void check_pointwise(Pointwise<T> example, double tolerance) {
  Pointwise<T> wanted = example;
  wanted.compute(reference_backend());
  CAPTURE(example.N);
  CAPTURE(example.H);
  CAPTURE(example.C);
  CAPTURE(example.K);
  example.compute(guarded_cpu());
  CHECK(difference(example.y, wanted.y) < tolerance);
  CHECK(difference(example.dx, wanted.dx) < tolerance);
  CHECK(difference(example.dw, wanted.dw) < tolerance);
}

}  // namespace

TEST_CASE("pointwise: odd sizes, few and many channels, any number of threads, with all that can follow") {
  for (const int threads : {1, 3}) {
    const Threads scope(threads);
    int variant = 0;
    for (const auto& [N, H, W] : {std::array<Index, 3>{0, 4, 4}, {1, 1, 1}, {3, 5, 7}, {1, 19, 14}}) {
      for (const auto& [C, K] : {std::array<Index, 2>{1, 8}, {3, 64}, {17, 33}, {64, 9}, {130, 16}, {9, 1030}}) {
        const bool bias = variant & 1, residual = variant & 2, relu = variant & 4;
        ++variant;
        check_pointwise<float>({N, H, W, C, K, bias, residual, relu, {}, {}, {}}, 1e-5);
        check_pointwise<double>({N, H, W, C, K, bias, residual, relu, {}, {}, {}}, 1e-13);
      }
    }
  }
  CHECK(guarded_cpu().damaged == 0);
}

TEST_CASE("pointwise: outputs and the gradient of the input have the same bits for any number of threads") {
  CHECK(pointwise_is_best(ConvGeometry({2, 15, 13, 50}, {40, 1, 1, 50}, {})) == (vector_bytes >= 32));
  Pointwise<float> one{2, 15, 13, 50, 40, true, true, true, {}, {}, {}}, more = one;
  {
    const Threads scope(1);
    one.compute(guarded_cpu());
  }
  {
    const Threads scope(5);
    more.compute(guarded_cpu());
  }
  CHECK(one.y == more.y);
  CHECK(one.dx == more.dx);
}
