// Reads golden files, of which golden.md says what they check.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support.h"

namespace counterpoise {

// A file by its path in tests/, which is read once.
inline const nlohmann::json& read_golden(const std::string& path) {
  static std::map<std::string, nlohmann::json> read;
  if (read.count(path) == 0) {
    std::ifstream file(source_folder() + "/tests/" + path);
    REQUIRE(file);
    read[path] = nlohmann::json::parse(file);
  }
  return read[path];
}

// The bytes that a file has as hexadecimal digits.
template <class Bytes = std::vector<uint8_t>>
Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<typename Bytes::value_type>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

}  // namespace counterpoise
