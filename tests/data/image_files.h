// A folder of small image files, for the tests of data/.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support.h"

namespace counterpoise {

struct ImageFiles {
  // A 2 x 1 BMP image of one color.
  void image(const std::string& name, uint8_t red) const {
    std::filesystem::create_directories(std::filesystem::path(path / name).parent_path());
    std::string bmp = "BM";
    const auto number = [&bmp](uint32_t value, int bytes) {
      for (int i = 0; i < bytes; ++i) bmp += static_cast<char>(value >> (8 * i));
    };
    number(54 + 8, 4), number(0, 4), number(54, 4);                          // file header
    number(40, 4), number(2, 4), number(1, 4), number(1, 2), number(24, 2);  // size, width, height, planes, bits
    for (int i = 0; i < 6; ++i) number(0, 4);
    for (int i = 0; i < 2; ++i) bmp += '\0', bmp += '\0', bmp += static_cast<char>(red);  // blue, green, red
    bmp += std::string(2, '\0');                                                          // rows are padded to 4
    std::ofstream(path / name, std::ios::binary) << bmp;  // which unlike write_file() does not wait for the disk
  }
  void text_file(const std::string& name) const {
    std::filesystem::create_directories(std::filesystem::path(path / name).parent_path());
    std::ofstream(path / name) << "this is no image";
  }
  const TemporaryFolder temporary;
  const std::filesystem::path path = temporary.path();
};

}  // namespace counterpoise
