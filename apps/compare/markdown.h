// Text and tables in Markdown that are also readable as plain text. The functions are pure, so they are safe to call
// from several threads.
#pragma once

#include <string>
#include <vector>

namespace counterpoise {

// A text as the cell of a table, which a | would end: printable characters, with \| for |.
std::string markdown_cell(const std::string& text);

// Rows of cells as a Markdown table with aligned columns; the first row is the head. All rows have as many cells.
std::string markdown_table(const std::vector<std::vector<std::string>>& rows);

}  // namespace counterpoise
