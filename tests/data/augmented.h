// What the tests of augmentation share: images with something to find in them, and random plans.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/random.h"
#include "data/augment/augmenters.h"
#include "data/augment/geometry.h"

namespace counterpoise {

inline Image black(int height, int width) {
  return {height, width, std::vector<uint8_t>(size_t(height) * size_t(width) * 3)};
}

inline Image noise(int height, int width, uint64_t seed) {
  Image image = black(height, width);
  Random rng(seed, Stream::test);
  for (uint8_t& byte : image.rgb) byte = uint8_t(rng.below(256));
  return image;
}

// A soft spot about a place, whose brightness has its center there.
inline Image spot(int height, int width, augment::Point at) {
  Image image = black(height, width);
  for (int i = 0; i < height; ++i) {
    for (int j = 0; j < width; ++j) {
      const double x = j + 0.5 - at.x, y = i + 0.5 - at.y;
      for (int c = 0; c < 3; ++c) {
        image.rgb[size_t((i * width + j) * 3 + c)] = uint8_t(std::lround(255 * std::exp(-(x * x + y * y) / 4)));
      }
    }
  }
  return image;
}

// Where the brightness of an image has its center.
inline augment::Point center_of(const Image& image) {
  double sum = 0, x = 0, y = 0;
  for (int i = 0; i < image.height; ++i) {
    for (int j = 0; j < image.width; ++j) {
      const double level = image.rgb[size_t((i * image.width + j) * 3)];
      sum += level, x += level * (j + 0.5), y += level * (i + 0.5);
    }
  }
  return {x / sum, y / sum};
}

// A star-shaped polygon, which does not cross itself.
inline augment::Polygon star(augment::Point center, double radius, Random& rng, size_t corners = 9) {
  augment::Polygon polygon;
  for (size_t i = 0; i < corners; ++i) {
    const double angle = 6.283185307179586 * double(i) / double(corners), r = radius * double{rng.uniform(0.5f, 1)};
    polygon.points.push_back({center.x + r * std::cos(angle), center.y + r * std::sin(angle)});
  }
  return polygon;
}

inline double distance_to_outline(const augment::Polygon& polygon, augment::Point p) {
  double nearest = 1e9;
  for (size_t i = 0; i < polygon.points.size(); ++i) {
    const augment::Point a = polygon.points[i], b = polygon.points[(i + 1) % polygon.points.size()];
    const double dx = b.x - a.x, dy = b.y - a.y;
    const double t = std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy), 0.0, 1.0);
    nearest = std::min(nearest, std::hypot(p.x - a.x - t * dx, p.y - a.y - t * dy));
  }
  return nearest;
}

// All changes of place, each of them sometimes.
inline augment::Augmenter places() {
  using namespace augment;
  Affine affine;
  affine.scale = {0.8, 1.25}, affine.scale_x = {0.9, 1.1};
  affine.translate_x = affine.translate_y = {-0.15, 0.15};
  affine.rotate = {-40, 40}, affine.shear_x = affine.shear_y = {-15, 15};
  Crop crop;
  crop.pixels = {0, 6};
  Crop crop_smaller = crop;
  crop_smaller.keep_size = false;
  CropAndPad pad;
  pad.percent = {-0.1, 0.15};
  ResizeTo letterbox{50, 70, ResizeTo::Fit::letterbox};
  return SomeOf{{1, 4},
                {HorizontalFlip{0.5}, VerticalFlip{0.5}, crop, crop_smaller, affine, pad, PerspectiveTransform{},
                 ResizeTo{72, 60}, letterbox},
                true};
}

}  // namespace counterpoise
