// Reads golden files, of which golden.md says what they check, and other JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support.h"

namespace counterpoise {

// A golden file by its path in tests/, which is read once.
const nlohmann::json& read_golden(const std::string& path);

// (Not json::parse() in each test: it takes two seconds to compile wherever it is used.)
nlohmann::json parse_json(const std::string& text);

// The bytes that a file has as hexadecimal digits.
template <class Bytes = std::vector<uint8_t>>
Bytes from_hex(const std::string& hex) {
  Bytes bytes;
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<typename Bytes::value_type>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return bytes;
}

}  // namespace counterpoise
