#include "apps/trainer/format.h"

#include <algorithm>
#include <cstdlib>

namespace counterpoise {

namespace {

// The number of bytes of the character that begins at text[at]; 0 if it is a control character or is not UTF-8.
size_t printable_bytes(const std::string& text, size_t at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0; };
  const unsigned first = byte(at), second = byte(at + 1);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const size_t bytes = first >= 0xc2 && first < 0xe0   ? 2
                       : first >= 0xe0 && first < 0xf0 ? 3
                       : first >= 0xf0 && first < 0xf5 ? 4
                                                       : 0;
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  const bool control = first == 0xc2 && second < 0xa0;  // U+0080 to U+009F
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool no_character = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
  return control || overlong || no_character ? 0 : bytes;
}

bool begins_letter(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

}  // namespace

size_t letters(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_letter));
}

std::string first_letters(const std::string& text, size_t n) {
  size_t end = 0;
  for (size_t begun = 0; end < text.size(); ++end) {
    if (begins_letter(text[end]) && begun++ == n) break;
  }
  return text.substr(0, end);
}

std::string fitted(const std::string& text, size_t most) {
  if (letters(text) <= most) return text;
  const size_t kept = most < 2 ? 0 : most - 2;
  return first_letters(text, kept) + std::string(most - kept, '.');
}

std::string plural(int64_t count, const std::string& noun) { return text(count, " ", noun, count == 1 ? "" : "s"); }

std::string exact(double number) {
  std::string text;
  for (int digits = 9; digits <= 17; digits += 4) {
    text = formatted("%.*g", digits, number);
    if (std::strtod(text.c_str(), nullptr) == number) break;
  }
  return text;
}

uint64_t fingerprint(const std::string& text, uint64_t before) {
  for (const char c : text) before = (before ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return before;
}

std::string shortened(const std::string& text) { return text.size() > 300 ? text.substr(0, 300) + "..." : text; }

std::string printable(const std::string& text) {
  std::string line;
  for (size_t at = 0; at < text.size();) {
    const size_t bytes = printable_bytes(text, at);
    if (bytes == 0) line += formatted("\\x%02x", static_cast<unsigned char>(text[at++]));
    else line.append(text, at, bytes), at += bytes;
  }
  return line;
}

}  // namespace counterpoise
