#include "apps/reproduce/study.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "apps/trainer/flags.h"
#include "apps/trainer/format.h"

namespace counterpoise {

namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

size_t Study::find(const std::string& name) const {
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const StudyRow& row) { return row.name == name; });
  return static_cast<size_t>(it - rows.begin());
}

std::vector<size_t> select_rows(const Study& study, const std::vector<std::string>& names) {
  std::vector<bool> chosen(study.rows.size(), names.empty());
  for (const std::string& name : names) {
    bool known = false;
    for (size_t r = 0; r < study.rows.size(); ++r) {
      const StudyRow& row = study.rows[r];
      if (lower(row.name) != lower(name) && lower(row.group) != lower(name)) continue;
      chosen[r] = known = true;
    }
    if (known) continue;
    std::vector<std::string> valid, groups;
    for (const StudyRow& row : study.rows) {
      valid.push_back(row.name);
      if (std::find(groups.begin(), groups.end(), row.group) == groups.end()) groups.push_back(row.group);
    }
    valid.insert(valid.end(), groups.begin(), groups.end());
    const std::string guess = nearest_name(name, valid);
    throw Error(ErrorKind::invalid_argument, "there is no row \"", name, "\"; ",
                guess.empty() ? "" : "did you mean " + guess + "? ", "--list prints all; groups of them are ",
                join(groups));
  }
  std::vector<size_t> rows;
  for (size_t r = 0; r < chosen.size(); ++r) {
    if (chosen[r]) rows.push_back(r);
  }
  return rows;
}

size_t training_of(const Study& study, size_t row) {
  size_t first = 0;
  while (study.rows[first].arguments != study.rows[row].arguments) ++first;
  return first;
}

std::string duration_text(double seconds) {
  if (seconds < 99.5) return text(std::ceil(seconds), " s");
  const auto minutes = static_cast<long long>(std::ceil(seconds / 60));
  if (minutes < 60) return text(minutes, " min");
  const long long hours = minutes / 60;
  if (hours < 10) return text(hours, " h", minutes % 60 ? text(" ", minutes % 60, " min") : "");
  return hours < 72 ? text(hours, " h") : text(hours / 24, " days");
}

}  // namespace counterpoise
