// The synthetic shapes: repeatable, all different, and told apart by nothing as cheap as their color.
#include "data/images/shapes.h"

#include <cmath>
#include <set>
#include <thread>

#include "tests/support.h"

using namespace counterpoise;

using Bytes = std::vector<uint8_t>;

TEST_CASE("shapes: the same bytes for the same arguments, in any thread, and others for others") {
  const Bytes here = draw_shape(3, 32, 5, 9);
  Bytes there;
  std::thread([&] { there = draw_shape(3, 32, 5, 9); }).join();
  CHECK(here == there);
  std::set<Bytes> seen;
  for (size_t kind = 0; kind < shape_names().size(); ++kind) {
    for (uint64_t seed : {0, 1}) {
      for (uint64_t index = 0; index < 20; ++index) seen.insert(draw_shape(kind, 16, seed, index));
    }
  }
  CHECK(seen.size() == 400);
  for (int size : {8, 33, 128}) CHECK(draw_shape(9, size, 0, 0).size() == static_cast<size_t>(size) * size * 3);
  CHECK(contains(error_of([] { draw_shape(0, 7, 0, 0); }), "7x7"));
  CHECK(contains(error_of([] { draw_shape(10, 32, 0, 0); }), "there is no kind 10; they are 0 to 9"));
}

TEST_CASE("shapes: a set has the classes, paths and images that it names") {
  const SyntheticShapes set({2, 0, 3}, 16, 1);
  CHECK(set.classes() == std::vector<std::string>{"disc", "ellipse", "ring"});
  CHECK(set.counts() == std::vector<int64_t>{2, 0, 3});
  REQUIRE(set.size() == 5);
  CHECK(set.samples()[1].path == "synthetic/disc.1");
  CHECK(set.samples()[4].path == "synthetic/ring.2");
  CHECK(*set.load(4) == draw_shape(2, 16, 1, 2));
  CHECK(*set.load(4) == *SyntheticShapes({7, 7, 7, 7}, 16, 1).load(16));  // however many others there are
  CHECK(*set.load(4) != *SyntheticShapes({2, 0, 3}, 16, 2).load(4));
  CHECK(SyntheticShapes(std::vector<int64_t>(10, 1), 16, 1).classes() == shape_names());
  for (size_t kinds : {0, 1, 11}) {
    CHECK(
        contains(error_of([&] { SyntheticShapes(std::vector<int64_t>(kinds, 1), 16, 1); }, ErrorKind::invalid_argument),
                 "there are 2 to 10"));
  }
  CHECK(contains(error_of([] { SyntheticShapes({2, -1}, 16, 1); }, ErrorKind::invalid_argument), "-1 images"));
  CHECK(contains(error_of([] { SyntheticImages({2, -1}, 16, 1); }, ErrorKind::invalid_argument), "-1 images"));
}

TEST_CASE("shapes: every kind is seen everywhere, in every color") {
  constexpr int size = 16, images = 600;
  for (size_t kind = 0; kind < shape_names().size(); ++kind) {
    std::vector<double> mean(size * size * 3);
    for (int i = 0; i < images; ++i) {
      const Bytes image = draw_shape(kind, size, 3, static_cast<uint64_t>(i));
      for (size_t k = 0; k < mean.size(); ++k) mean[k] += image[k] / static_cast<double>(images);
    }
    // Upright as upside down, red as blue: a pixel's mean of 600 has a standard deviation of about 3.
    double mirrored = 0, hue = 0;
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        const double* pixel = &mean[(y * size + x) * 3];
        mirrored = std::max(mirrored, std::abs(pixel[1] - mean[((size - 1 - y) * size + x) * 3 + 1]));
        hue += (pixel[0] - pixel[2]) / (size * size);
      }
    }
    CAPTURE(shape_names()[kind]);
    CHECK(mirrored < 20);
    CHECK(std::abs(hue) < 6);
  }
}
