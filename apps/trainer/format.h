// Text from parts, and printf into a string. Safe to call from several threads.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

#include "kernels/error.h"

namespace counterpoise {

using detail::join;
using detail::text;

// formatted("%.3f", 0.5) is "0.500". Text beyond 511 characters is dropped.
template <class... Args>
std::string formatted(const char* format, Args... args) {
  char out[512];
  std::snprintf(out, sizeof out, format, args...);
  return out;
}

// The text on one line for a terminal: control characters, which a file's name may hold, and bytes that are not UTF-8
// become \x1b and the like.
std::string printable(const std::string& text);

// The number of characters of UTF-8 text, and its first ones, at most n.
size_t letters(const std::string& text);
std::string first_letters(const std::string& text, size_t n);

// The text with at most this many letters; of a longer one the last two become "..".
std::string fitted(const std::string& text, size_t most);

// "1 image", "2 images".
std::string plural(int64_t count, const std::string& noun);

// The fewest digits, of at least nine, from which the same number is read again.
std::string exact(double number);

// A number that tells a text from others (the hash FNV-1a, 64 bits); from that of what comes before the text.
uint64_t fingerprint(const std::string& text, uint64_t before = 14695981039346656037u);

// At most 300 bytes of a text from a file, for a message.
std::string shortened(const std::string& text);

}  // namespace counterpoise
