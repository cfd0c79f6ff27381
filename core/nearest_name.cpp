#include "core/nearest_name.h"

#include <algorithm>

namespace counterpoise {

// The number of edits that make a into b.
static size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
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
