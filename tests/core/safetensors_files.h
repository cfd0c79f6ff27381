// Files in safetensors' format for the tests of the reader, valid ones and broken ones.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/io/safetensors.h"
#include "tests/support.h"

namespace counterpoise {

// A folder of the test's own, and the path of a file in it.
struct TempFile {
  const TemporaryFolder folder;
  const std::string path = folder / "a.safetensors";
};

inline std::string with_length(uint64_t n, const std::string& rest) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &n, 8);
  return bytes + rest;
}

// A file with this header and so many bytes after it.
inline std::string file_of(const std::string& header, size_t payload) {
  return with_length(header.size(), header) + std::string(payload, '\1');
}

// A header's entry.
inline std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                         const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
}

// Writes and opens a file; returns the message of the error, "" if it opens.
inline std::string open_error(const std::string& bytes) {
  // This is called for 2,000 files, for which folders of their own and the fsync of write_file would take too long.
  static const TempFile temp;
  std::filesystem::remove(temp.path);
  std::ofstream(temp.path, std::ios::binary) << bytes;
  try {
    SafetensorsFile file(temp.path);
    for (const std::string& name : file.names()) {
      std::vector<char> data(file.elements(name) * byte_width(file.dtype(name)));
      file.read_bytes(name, data.data());
    }
    return "";
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(error.kind() == ErrorKind::bad_data);
    CHECK(message.find(temp.path) == 0);
    CHECK(message.find('\n') == std::string::npos);
    return message;
  }
}

// The file is refused, with these words in the message.
inline void refused(const std::string& bytes, const std::string& words) {
  const std::string message = open_error(bytes);
  CAPTURE(message);
  CAPTURE(words);
  CHECK(!message.empty());
  CHECK(message.find(words) != std::string::npos);
}

inline void refused_header(const std::string& header, const std::string& words, size_t payload = 0) {
  CAPTURE(header.substr(0, 200));
  refused(file_of(header, payload), words);
}

// Two tensors of 4 bytes each: the valid file of which the cases below break a rule.
inline const std::string a = entry("a", "F32", "[1]", "[0,4]"), b = entry("b", "F32", "[1]", "[4,8]");

}  // namespace counterpoise
