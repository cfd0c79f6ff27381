// Suggestions for mistyped names.
//
//   nearest_name("rotat", {"flip", "rotate"})   // "rotate"
#pragma once

#include <string>
#include <vector>

namespace counterpoise {

// The name in `known` that is closest to a mistyped `given` in Levenshtein's distance, where two letters that are
// exchanged are one edit; "" where there would be more edits than a third of the letters, or more than three. Safe to
// call from several threads.
std::string nearest_name(const std::string& given, const std::vector<std::string>& known);

}  // namespace counterpoise
