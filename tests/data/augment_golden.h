// Reads the golden files of augmentation: images are hexadecimal bytes, row by row.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "data/augment/annotations.h"
#include "tests/golden.h"

namespace counterpoise {

// golden/make_augment_training.py.
inline const nlohmann::json& training_golden() { return read_golden("data/golden/augment_training.json"); }

inline augment::Size size_of(const nlohmann::json& pair) { return {pair[0], pair[1]}; }

inline Image image_of(augment::Size size, const nlohmann::json& hex) {
  return {size.height, size.width, from_hex(hex)};
}

// The largest difference of two images of one size, except in so many pixels at the edges.
inline int levels_apart(const Image& a, const Image& b, int edge = 0) {
  REQUIRE(a.height == b.height);
  REQUIRE(a.width == b.width);
  REQUIRE(a.rgb.size() == b.rgb.size());
  int y = 0;
  for (int i = edge; i < a.height - edge; ++i) {
    for (int j = edge * 3; j < (a.width - edge) * 3; ++j) {
      const size_t at = size_t(i) * size_t(a.width) * 3 + size_t(j);
      y = std::max(y, std::abs(int(a.rgb[at]) - int(b.rgb[at])));
    }
  }
  return y;
}

}  // namespace counterpoise
