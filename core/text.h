// Texts: numbers, shapes and names as messages and files have them. All functions are safe to call from several
// threads.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/error.h"

namespace counterpoise::detail {

// The shortest text that reads as exactly this number, in every locale: 0.1, 1e-05, inf.
inline std::string shortest_text(double x) {
  char y[32];
  return {y, std::to_chars(y, y + sizeof y, x).ptr};
}

// "[2, 3]", of a file's extents, which need not be those of a Shape.
inline std::string shape_text(const std::vector<int64_t>& shape) {
  std::string y;
  for (const int64_t extent : shape) y += (y.empty() ? "" : ", ") + std::to_string(extent);
  return "[" + y + "]";
}

// Whether this is one of ASCII's control characters, whether or not `char` has a sign.
inline bool is_control(char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }

// A name from a file for a message: on one line, and not too long.
inline std::string in_quotes(const std::string& name) {
  std::string line = name.substr(0, 80);
  std::replace_if(line.begin(), line.end(), is_control, '?');
  return text("'", line, name.size() > 80 ? "...'" : "'");
}

// The text without spaces around it; a part of `text`, which must live as long.
inline std::string_view trimmed(std::string_view text, const char* spaces = " \t") {
  const size_t first = text.find_first_not_of(spaces), last = text.find_last_not_of(spaces);
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

// How many bytes of the text are the byte order mark that programs of Windows begin a text in UTF-8 with: 3, or 0.
inline size_t byte_order_mark(std::string_view text) { return text.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0; }

inline bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace counterpoise::detail
