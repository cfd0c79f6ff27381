// Text in columns.
#pragma once

#include <algorithm>
#include <string>

namespace counterpoise::detail {

// The columns that a text takes: its characters, of which UTF-8 may write one as several bytes.
inline size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// The text with spaces before or after it, so that it takes at least as many columns.
inline std::string right_aligned(const std::string& text, size_t width) {
  return std::string(width - std::min(width_of(text), width), ' ') + text;
}
inline std::string left_aligned(const std::string& text, size_t width) {
  return text + std::string(width - std::min(width_of(text), width), ' ');
}

}  // namespace counterpoise::detail
