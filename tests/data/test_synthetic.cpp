// The synthetic cats and dogs: repeatable, all different, and told apart by nothing as cheap as their
// color.
#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <thread>
#include <vector>

#include "data/images/canvas.h"
#include "data/images/synthetic.h"
#include "kernels/error.h"

using namespace counterpoise;

namespace {

using namespace detail;

using Bytes = std::vector<uint8_t>;

// The mean over images 0 to n-1 of each byte.
std::vector<double> mean_image(Animal animal, int size, int n) {
  std::vector<double> mean(static_cast<size_t>(size) * size * 3);
  for (int i = 0; i < n; ++i) {
    const Bytes image = draw_animal(animal, size, 7, i);
    for (size_t k = 0; k < mean.size(); ++k) mean[k] += image[k] / static_cast<double>(n);
  }
  return mean;
}

}  // namespace

TEST_CASE("draw_animal gives the same bytes for the same arguments, in any thread") {
  const Bytes here = draw_animal(Animal::cat, 48, 3, 12);
  Bytes there;
  std::thread([&] { there = draw_animal(Animal::cat, 48, 3, 12); }).join();
  CHECK(here == there);
}

TEST_CASE("draw_animal draws another image for another index, seed and animal") {
  std::set<Bytes> seen;
  for (Animal animal : {Animal::cat, Animal::dog})
    for (uint64_t seed : {0, 1})
      for (uint64_t index = 0; index < 50; ++index) seen.insert(draw_animal(animal, 16, seed, index));
  CHECK(seen.size() == 200);
}

TEST_CASE("draw_animal draws at any size from 8, and names a smaller one") {
  for (int size : {8, 16, 40, 97, 256})
    CHECK(draw_animal(Animal::dog, size, 0, 0).size() == static_cast<size_t>(size) * size * 3);
  CHECK_THROWS_WITH_AS(draw_animal(Animal::dog, 7, 0, 0), doctest::Contains("7x7"), Error);
  CHECK_THROWS_AS(draw_animal(Animal::cat, 0, 0, 0), Error);
  CHECK_THROWS_AS(draw_animal(Animal::cat, -48, 0, 0), Error);
}

TEST_CASE("draw_animal draws the same image at another size") {
  for (uint64_t index = 0; index < 8; ++index) {
    const Bytes small = draw_animal(Animal::cat, 32, 5, index), large = draw_animal(Animal::cat, 128, 5, index);
    double difference = 0;
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x)
        for (int c = 0; c < 3; ++c) {
          double mean = 0;  // of the 4 x 4 pixels that became one
          for (int i = 0; i < 16; ++i) mean += large[((4 * y + i / 4) * 128 + 4 * x + i % 4) * 3 + c] / 16.0;
          difference += std::abs(mean - small[(y * 32 + x) * 3 + c]) / (32 * 32 * 3);
        }
    CAPTURE(index);
    CHECK(difference < 16);  // of 255: noise and the edges
  }
}

TEST_CASE("the mean cat and the mean dog differ in shape, but not in color") {
  constexpr int kSize = 16, kImages = 1500;
  const auto cat = mean_image(Animal::cat, kSize, kImages), dog = mean_image(Animal::dog, kSize, kImages);
  double color[3] = {0, 0, 0}, most = 0;
  for (size_t k = 0; k < cat.size(); ++k) {
    color[k % 3] += (cat[k] - dog[k]) / (kSize * kSize);
    most = std::max(most, std::abs(cat[k] - dog[k]));
  }
  // A image's mean color has a standard deviation of about 35, the difference of two means of
  // 1500 about 1.3.
  for (double difference : color) CHECK(std::abs(difference) < 5);
  CHECK(most > 3);   // the ears are elsewhere
  CHECK(most < 40);  // but no single pixel tells
}

TEST_CASE("a canvas covers as much as the shape's area, and mixes what is half covered") {
  const auto area = [](const Canvas& canvas) {
    double sum = 0;
    const Bytes bytes = canvas.bytes();
    for (uint8_t b : bytes) sum += b / 255.0;
    return sum / static_cast<double>(bytes.size());
  };
  const Color white{1, 1, 1};
  for (float softness : {0.0f, 0.1f}) {
    CAPTURE(softness);
    Canvas disc(64, softness), triangle(64, softness), line(64, softness), hair(64, softness);
    disc.ellipse({0.5f, 0.5f}, {0.3f, 0.2f}, white, 1, 0.5f);
    CHECK(area(disc) == doctest::Approx(3.14159 * 0.3 * 0.2).epsilon(0.03));
    triangle.triangle({0.2f, 0.2f}, {0.8f, 0.2f}, {0.2f, 0.8f}, 0, white);
    CHECK(area(triangle) == doctest::Approx(0.18).epsilon(0.05));
    line.stroke({0.2f, 0.3f}, {0.8f, 0.5f}, 0.1f, 0.1f, white);
    CHECK(area(line) == doctest::Approx(0.1 * 0.6325 + 3.14159 * 0.0025).epsilon(0.08));
    hair.stroke({0.0f, 0.3f}, {1.0f, 0.3f}, 0.004f, 0.004f, white);
    CHECK(area(hair) == doctest::Approx(0.004).epsilon(0.1));
  }
  Canvas clipped(64, 0);
  clipped.clip({0.5f, 0.5f}, {0.25f, 0.25f});
  clipped.ellipse({0.5f, 0.5f}, {2, 2}, white);
  CHECK(area(clipped) == doctest::Approx(3.14159 / 16).epsilon(0.03));
  CHECK_THROWS_AS(Canvas(0, 0), Error);
  CHECK_THROWS_AS(clipped.set_pose({{0, 0}, {1, 1}, {2, 2}}), Error);
}
