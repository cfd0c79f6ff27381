// Numbers as text.
#pragma once

#include <charconv>
#include <string>

namespace counterpoise::detail {

// The shortest text that reads as exactly this number, in every locale: 0.1, 1e-05, inf.
inline std::string shortest_text(double x) {
  char y[32];
  return {y, std::to_chars(y, y + sizeof y, x).ptr};
}

}  // namespace counterpoise::detail
