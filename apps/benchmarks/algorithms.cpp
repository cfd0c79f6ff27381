#include <cmath>
#include <vector>

#include "apps/benchmarks/timing.h"
#include "apps/benchmarks/vgg16.h"
#include "kernels/cpu/direct_conv.h"
#include "kernels/cpu/im2col_conv.h"
#include "kernels/cpu/winograd.h"

namespace counterpoise {

using namespace detail;  // the algorithms

namespace {

double relative_error(const Tensor& got, const Tensor& exact) {
  const std::vector<float> a = got.to_vector<float>(), b = exact.to_vector<float>();
  double error = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) error += std::pow(double(a[i]) - b[i], 2), norm += double(b[i]) * b[i];
  return std::sqrt(error / norm);
}

}  // namespace

nlohmann::json algorithm_times(const BenchOptions& options, Backend& backend) {
  const Index size = options.size, C = 256, K = 256;
  const Tensor x = random_tensor(backend, {options.batch, size, size, C}), w = random_tensor(backend, {K, 3, 3, C});
  const Tensor dy = random_tensor(backend, {options.batch, size, size, K}), no_bias;
  const Conv2dParams params{1, 1};
  const ConvGeometry g(x.shape(), w.shape(), params);
  const float *px = ConstView(x).as<float>(), *pw = ConstView(w).as<float>(), *pdy = ConstView(dy).as<float>(),
              *none = nullptr;

  Tensor exact_y, exact_dw;
  nlohmann::json table = nlohmann::json::array();
  const auto measure = [&](const char* name, const auto& forward, const auto& grad_weight) {
    Tensor y = Tensor::empty(backend, dy.shape()), dw = Tensor::empty(backend, w.shape());
    const double forward_seconds = seconds_of(
        options, backend, [&] { forward(y); }, options.seconds / 10);
    const double dw_seconds = seconds_of(
        options, backend, [&] { grad_weight(dw); }, options.seconds / 10);
    if (!exact_y.defined()) exact_y = y, exact_dw = dw;
    table.push_back({{"name", name},
                     {"forward", forward_seconds},
                     {"dw", dw_seconds},
                     {"forward_error", relative_error(y, exact_y)},
                     {"dw_error", relative_error(dw, exact_dw)}});
  };
  const auto data = [](Tensor& t) { return View(t).as<float>(); };
  measure(
      "seven loops", [&](Tensor& y) { reference_backend().conv2d(x, w, no_bias, {}, params, false, y); },
      [&](Tensor& dw) { reference_backend().conv2d_grad_weight(x, dy, params, dw); });
  measure(
      "im2col and OpenBLAS", [&](Tensor& y) { im2col_conv(backend, g, px, pw, none, false, data(y)); },
      [&](Tensor& dw) { im2col_grad_weight(backend, g, px, pdy, data(dw)); });
  measure(
      "padded rows as matrices", [&](Tensor& y) { direct_conv(backend, g, px, pw, none, false, data(y)); },
      [&](Tensor& dw) { direct_grad_weight(backend, g, px, pdy, data(dw)); });
  for (const int tile : {2, 4}) {
    measure(
        tile == 2 ? "Winograd F(2x2, 3x3)" : "Winograd F(4x4, 3x3)",
        [&](Tensor& y) { winograd_conv(backend, tile, g, px, pw, false, none, false, data(y)); },
        [&](Tensor& dw) { winograd_grad_weight(backend, tile, g, px, pdy, data(dw)); });
  }
  return {{"steps", table}};
}

}  // namespace counterpoise
