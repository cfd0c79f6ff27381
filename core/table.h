// Tables of what is chosen by its name, such as losses, optimizers and samplers: lists of rows that have a `name`. All
// functions are safe to call from several threads.
#pragma once

#include <string>
#include <vector>

#include "kernels/error.h"

namespace counterpoise::detail {

// The names of the rows, in their order.
template <class Rows>
std::vector<std::string> names_of(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.push_back(row.name);
  return names;
}

// The row of this name. Throws Error(invalid_argument), which lists the valid names, where there is none; `what` is
// what a row describes: "loss".
template <class Rows>
const auto& row_of(const Rows& rows, const char* what, const std::string& name) {
  for (const auto& row : rows) {
    if (row.name == name) return row;
  }
  throw Error(ErrorKind::invalid_argument, "unknown ", what, " \"", name, "\"; valid are ", join(names_of(rows)));
}

}  // namespace counterpoise::detail
