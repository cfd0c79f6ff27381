#include "apps/compare/markdown.h"

#include <algorithm>

#include "apps/trainer/format.h"

namespace counterpoise {

std::string markdown_cell(const std::string& text) {
  std::string all;
  for (const char c : printable(text)) all += c == '|' ? "\\|" : std::string(1, c);
  return all;
}

std::string markdown_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths(rows.at(0).size(), 3);
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], letters(row[i]));
  }
  std::string all;
  for (size_t r = 0; r < rows.size(); ++r) {
    all += "|";
    for (size_t i = 0; i < widths.size(); ++i)
      all += " " + rows[r].at(i) + std::string(widths[i] - letters(rows[r][i]), ' ') + " |";
    all += "\n";
    if (r > 0) continue;
    all += "|";
    for (const size_t width : widths) all += std::string(width + 2, '-') + "|";
    all += "\n";
  }
  return all;
}

}  // namespace counterpoise
