// Reads the golden files of augmentation: images are hexadecimal bytes, row by row.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "data/augment/annotations.h"
#include "tests/support.h"

namespace counterpoise {

// The file golden/<name>.
inline nlohmann::json read_augment_golden(const std::string& name) {
  std::ifstream file(source_folder() + "/tests/data/golden/" + name);
  return nlohmann::json::parse(file);
}

// golden/make_augment_training.py.
inline const nlohmann::json& training_golden() {
  static const nlohmann::json numbers = read_augment_golden("augment_training.json");
  return numbers;
}

inline std::vector<uint8_t> bytes(const std::string& hex) {
  std::vector<uint8_t> y;
  for (size_t i = 0; i < hex.size(); i += 2) y.push_back(uint8_t(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return y;
}

inline augment::Size size_of(const nlohmann::json& pair) { return {pair[0], pair[1]}; }

inline Image image_of(augment::Size size, const nlohmann::json& hex) { return {size.height, size.width, bytes(hex)}; }

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
