// Lesson 6: a convolution. Small kernels that slide over a cat, and pooling.
//
// The text beside this program is 06_convolution.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// The weights of a kernel, 3 x 3, row after row.
using Kernel = std::vector<double>;
const Kernel vertical = {-1, 0, 1, -2, 0, 2, -1, 0, 1};    // Sobel's: dark on the left, bright on the right
const Kernel horizontal = {-1, -2, -1, 0, 0, 0, 1, 2, 1};  // dark above, bright below
const Kernel blur = {1, 2, 1, 2, 4, 2, 1, 2, 1};

// x [1, H, W, 1] -> [1, P, Q, 1]
Tensor convolved(const Tensor& x, const Kernel& kernel, Conv2dParams params) {
  return conv2d(x, Tensor::from<double>(cpu_backend(), {1, 3, 3, 1}, kernel), Var(), params).value();
}

void print(const char* title, const Tensor& x) {
  const std::vector<double> values = x.to_vector<double>();
  const Index columns = x.shape()[2];
  std::printf("%s: %lld x %lld\n", title, static_cast<long long>(x.shape()[1]), static_cast<long long>(columns));
  for (size_t i = 0; i < values.size(); ++i) {
    std::printf("%5.0f%s", values[i], (i + 1) % static_cast<size_t>(columns) ? "" : "\n");
  }
}

// A channel as a gray image, black at `low` and white at `high`.
Pixels image_of(const std::string& caption, const Tensor& x, double low, double high) {
  Pixels image = {caption, static_cast<size_t>(x.shape()[2]), {}, low, high};
  // (All numbers are whole but for rounding, which could decide between two grays.)
  for (const double value : x.to_vector<double>()) image.values.push_back(std::round(value));
  return image;
}

int main(int argc, char** argv) {
  // Dark on the left, bright on the right.
  std::vector<double> pixels;
  for (int i = 0; i < 30; ++i) pixels.push_back(i % 6 < 3 ? 0 : 9);
  const Tensor edge = Tensor::from<double>(cpu_backend(), {1, 5, 6, 1}, pixels);
  print("An edge", edge);
  print("Sobel's kernel, no padding", convolved(edge, vertical, {1, 0}));
  print("padding 1", convolved(edge, vertical, {1, 1}));
  print("padding 1, stride 2", convolved(edge, vertical, {2, 1}));
  print("the same without padding, and max pooling of 2", max_pool2d(convolved(edge, vertical, {1, 0}), {}).value());

  // The formula for sizes, and what the library returns.
  std::printf("\nOutput sizes of 160 pixels\n");
  for (const auto& [kernel, stride, pad] : {std::make_tuple(3, 1, 1), {3, 1, 0}, {3, 2, 1}, {5, 1, 2}, {7, 2, 3}}) {
    Conv2d layer(1, 1, kernel, {stride, pad});
    std::printf("kernel %d, stride %d, padding %d: %d, by the library %d\n", kernel, stride, pad,
                (160 + 2 * pad - kernel) / stride + 1, static_cast<int>(layer.output_shape({1, 160, 160, 1})[1]));
  }

  // Weights are shared by all places.
  const Index inputs = 160 * 160 * 3, outputs = 160 * 160 * 64;
  std::printf("\n160 x 160 x 3 -> 160 x 160 x 64\n");
  std::printf("convolution of 3 x 3: %s parameters\n", with_commas(Conv2d(3, 64, 3, {1, 1}).parameter_count()).c_str());
  std::printf("dense layer: %s parameters\n", with_commas(inputs * outputs + outputs).c_str());

  // A cat of 40 x 40 pixels; red, green and blue added up, so that a gray is from 0 to 765.
  const Index side = 40;
  const std::vector<uint8_t> rgb = draw_animal(Animal::cat, side, /*seed=*/1, /*index=*/17);
  std::vector<double> gray;
  for (size_t i = 0; i < rgb.size(); i += 3) gray.push_back(rgb[i] + rgb[i + 1] + rgb[i + 2]);
  const Tensor cat = Tensor::from<double>(cpu_backend(), {1, side, side, 1}, gray);
  const Tensor v = convolved(cat, vertical, {1, 1}), h = convolved(cat, horizontal, {1, 1});

  // Moved by one pixel: a convolution moves what it finds.
  std::vector<double> moved = gray;
  for (size_t i = moved.size(); i-- > 1;) moved[i] = moved[i - 1];
  const Tensor moved_v = convolved(Tensor::from<double>(cpu_backend(), {1, side, side, 1}, moved), vertical, {1, 1});
  const std::vector<double> before = v.to_vector<double>(), after = moved_v.to_vector<double>();
  int inside = 0, equal = 0;
  for (size_t i = 0; i < before.size(); ++i) {
    if (i % side < 3 || i % side == side - 1) continue;  // where the padding, or the other end of the row, is seen
    ++inside, equal += std::fabs(after[i] - before[i - 1]) < 1e-6;
  }
  std::printf("\nThe cat moved by one pixel: at %d of %d places the result has moved with it\n", equal, inside);

  // The edges are drawn without padding, whose zeros would be the strongest edge of all.
  const Tensor inner_v = convolved(cat, vertical, {1, 0}), inner_h = convolved(cat, horizontal, {1, 0});
  std::vector<Pixels> kernels = {image_of("gray, 40 x 40", cat, 50, 650),
                                 image_of("blur, 38 x 38", convolved(cat, blur, {1, 0}), 16 * 50, 16 * 650),
                                 image_of("vertical edges", inner_v, -900, 900),
                                 image_of("horizontal edges", inner_h, -900, 900)};
  Var found = abs(inner_v) + abs(inner_h);
  std::vector<Pixels> pooled = {image_of("edges, 38 x 38", found.value(), 0, 1300)};
  for (const std::string size : {"19", "9", "4"}) {
    found = max_pool2d(found, {/*window=*/2, /*stride=*/2});
    pooled.push_back(image_of("pooled, " + size + " x " + size, found.value(), 0, 1300));
  }
  const Folder folder(argc, argv);
  folder.write("06_kernels.svg", pixels_svg("A synthetic cat, and three kernels", {kernels}));
  folder.write("06_pooling.svg", pixels_svg("Its edges, and max pooling", {pooled}));
}
