// Small image files, and a folder of them.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support.h"

namespace counterpoise {

inline void write_bmp(const std::string& path, const std::vector<uint8_t>& rgb, int width) {
  const int height = static_cast<int>(rgb.size()) / (3 * width), padding = (4 - 3 * width % 4) % 4;
  std::string bmp = "BM";
  const auto number = [&bmp](uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) bmp += static_cast<char>(value >> (8 * i));
  };
  number(54 + (3 * width + padding) * height, 4), number(0, 4), number(54, 4);      // file header
  number(40, 4), number(width, 4), number(height, 4), number(1, 2), number(24, 2);  // sizes, planes, bits
  for (int i = 0; i < 6; ++i) number(0, 4);
  for (int y = height - 1; y >= 0; --y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 2; c >= 0; --c) bmp += static_cast<char>(rgb[(y * width + x) * 3 + c]);
    }
    bmp += std::string(padding, '\0');
  }
  std::ofstream(path, std::ios::binary) << bmp;  // which unlike write_file() does not wait for the disk
}

struct ImageFiles {
  // A 2 x 1 BMP image of one color.
  void image(const std::string& name, uint8_t red) const {
    std::filesystem::create_directories(std::filesystem::path(path / name).parent_path());
    write_bmp(path / name, {red, 0, 0, red, 0, 0}, 2);
  }
  void text_file(const std::string& name) const {
    std::filesystem::create_directories(std::filesystem::path(path / name).parent_path());
    std::ofstream(path / name) << "this is no image";
  }
  const TemporaryFolder temporary;
  const std::filesystem::path path = temporary.path();
};

}  // namespace counterpoise
