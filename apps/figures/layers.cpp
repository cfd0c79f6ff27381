// The figures of layers/README.md that show one layer.
#include <cmath>

#include "apps/figures/cells.h"
#include "apps/figures/figures.h"
#include "apps/figures/layers_networks.h"
#include "apps/trainer/program.h"
#include "core/ops.h"

namespace counterpoise {

using namespace drawing;

namespace {

const Style bold{14, "start", ink, " font-weight=\"600\""}, note{12.5, "start", pale_ink};

// One image of one channel, or a kernel with one input and one output channel.
Var square_of(Index side, const std::vector<double>& values) {
  return Tensor::from(cpu_backend(), {1, side, side, 1}, values);
}

// A pale gray for 0 to a darker one for `most`; a sum below 0 is orange.
std::string shade(double value, double most) {
  if (value < 0) return pale_orange;
  const int level = static_cast<int>(std::lround(255 - 75 * std::min(1., value / most)));
  return formatted("#%02x%02x%02x", level, level, level);
}

// A kernel that finds vertical edges slides over an image that has one.
std::string convolution() {
  constexpr size_t side = 6, out = 4, row = 1, column = 2;  // of the window that is shown
  std::vector<double> pixels;
  for (size_t i = 0; i < side; ++i) {
    for (size_t j = 0; j < side; ++j) pixels.push_back(j < 3 ? 1 : 5);
  }
  const std::vector<double> weights = {-1, 0, 1, -1, 0, 1, -1, 0, 1};
  const Var y = conv2d(square_of(side, pixels), square_of(3, weights), {}, {});
  const std::vector<double> sums = numbers(y.value());

  const Cells x{24,
                90,
                34,
                34,
                side,
                side,
                texts(pixels, side),
                [&](size_t i, size_t j) { return shade(pixels[i * side + j], 8); }};
  const Cells w{294, 141, 34, 34, 3, 3, texts(weights, 3)};
  const Cells result{
      462, 124, 34, 34, out, out, texts(sums, out), [&](size_t i, size_t j) { return shade(sums[i * out + j], 20); }};
  std::string body = words(24, 62, "image", bold) + words(24, 80, "6 × 6", note);
  body += words(294, 113, "kernel", bold) + words(294, 131, "3 × 3", note);
  body += words(462, 96, "output", bold) + words(462, 114, "4 × 4", note);
  body += draw(x) + draw(w) + draw(result);
  body += frame(x.part(row, column, 3, 3), orange) + frame(w.part(0, 0, 3, 3), orange) +
          frame(result.part(row, column, 1, 1), orange);
  body += words(262, 198, "×", {22, "middle", orange}) + words(430, 198, "=", {22, "middle", orange});
  std::string products;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      const std::string weight = tick_text(weights[i * 3 + j]);
      products += text(i + j > 0 ? " + " : "", tick_text(pixels[(row + i) * side + column + j]), "·",
                       weights[i * 3 + j] < 0 ? "(" + weight + ")" : weight);
    }
  }
  body += words(24, 322, products + " = " + tick_text(sums[row * out + column]), {13.5, "start", orange});
  return image(630, 342, "A convolution: the same nine weights at every place", body);
}

// How often each window of ones meets the image, so that the edges can be seen.
std::string padding_and_stride() {
  struct Panel {
    const char* title;
    Conv2dParams params;
  };
  const Panel panels[] = {{"no padding", {1, 0}}, {"padding 1", {1, 1}}, {"padding 1, stride 2", {2, 1}}};
  constexpr size_t side = 5;
  constexpr double cell = 24;
  std::string body;
  double left = 30;
  for (const Panel& panel : panels) {
    const auto pad = static_cast<size_t>(panel.params.pad), stride = static_cast<size_t>(panel.params.stride);
    const Var y = conv2d(square_of(side, std::vector<double>(side * side, 1)), square_of(3, std::vector<double>(9, 1)),
                         {}, panel.params);
    const auto out = static_cast<size_t>(y.shape()[1]);
    const double top = 96 + cell * static_cast<double>(1 - pad), x_at = left + cell * static_cast<double>(1 - pad);
    const size_t padded = side + 2 * pad;
    const Cells x{x_at,
                  top,
                  cell,
                  cell,
                  padded,
                  padded,
                  [&](size_t i, size_t j) -> std::string {
                    return i < pad || j < pad || i >= pad + side || j >= pad + side ? "0" : "1";
                  },
                  [&](size_t i, size_t j) -> std::string {
                    return i < pad || j < pad || i >= pad + side || j >= pad + side ? "" : pale_gray;
                  },
                  12};
    const Cells result{left + cell * (7 - static_cast<double>(out)) / 2,
                       298,
                       cell,
                       cell,
                       out,
                       out,
                       texts(numbers(y.value()), out),
                       {},
                       12};
    body += words(left, 66, panel.title, bold);
    body += words(left, 84, text(side, " × ", side, " → ", out, " × ", out), note);
    body += draw(x) + frame(x.part(pad, pad, side, side), ink, 1.5) + draw(result);
    body += frame(x.part(0, stride, 3, 3), blue) + frame(x.part(0, 0, 3, 3), orange);
    body += frame(result.part(0, 1, 1, 1), blue) + frame(result.part(0, 0, 1, 1), orange);
    body += arrow(left + 3.5 * cell, 270, left + 3.5 * cell, 293);
    left += 7 * cell + 56;
  }
  return image(left - 22, 442, "Padding adds zeros around the image; a stride leaves places out", body);
}

std::string pooling() {
  const std::vector<double> pixels = {1, 3, 2, 0, 5, 7, 1, 1, 0, 2, 9, 4, 2, 0, 3, 8};
  const Var x = square_of(4, pixels);
  const char* colors[] = {pale_blue, pale_orange, pale_green, pale_purple};
  const auto quarters = [&](size_t i, size_t j) -> std::string { return colors[i / 2 * 2 + j / 2]; };
  const auto each = [&](size_t i, size_t j) -> std::string { return colors[i * 2 + j]; };
  const Cells in{24, 84, 36, 36, 4, 4, texts(pixels, 4), quarters};
  struct Result {
    const char* title;
    Var y;
  };
  const Result results[] = {
      {"maximum", max_pool2d(x, {})}, {"average", avg_pool2d(x, {})}, {"global average", adaptive_avg_pool2d(x, 1, 1)}};
  std::string body = words(24, 66, "x", bold) + draw(in);
  double left = 250;
  for (const Result& result : results) {
    const auto side = static_cast<size_t>(result.y.shape()[1]);
    const double size = side == 1 ? 88 : 44;
    const Cells out{left,
                    112,
                    size,
                    size,
                    side,
                    side,
                    texts(numbers(result.y.value()), side),
                    side == 1 ? std::function<std::string(size_t, size_t)>() : each};
    body += words(left, 94, result.title, bold) + draw(out);
    left += 132;
  }
  return image(640, 246, "Pooling: one number for each window, or for all of an image",
               body + arrow(184, 156, 236, 156));
}

}  // namespace

Figures layers_figures() {
  return {{"layers/figures/convolution.svg", convolution()},
          {"layers/figures/padding_and_stride.svg", padding_and_stride()},
          {"layers/figures/pooling.svg", pooling()},
          {"layers/figures/receptive_field.svg", receptive_field_figure()},
          {"layers/figures/initialization.svg", initialization_figure()},
          {"layers/figures/residual_block.svg", residual_block_figure()}};
}

}  // namespace counterpoise
