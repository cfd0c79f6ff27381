#include "core/nearest_name.h"

#include <algorithm>

namespace counterpoise {

// The number of edits that make a into b.
static size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1), above, before;  // of the first i, i - 1 and i - 2 letters of a
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    before = std::move(above), above = row;
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      const bool exchanged = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (exchanged) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest_name(const std::string& given, const std::vector<std::string>& known) {
  std::string best;
  size_t closest = std::min<size_t>(3, given.size() / 3) + 1;
  for (const std::string& name : known) {
    const size_t edits = distance(given, name);
    if (edits < closest) closest = edits, best = name;
  }
  return best;
}

}  // namespace counterpoise
