// Nearest neighbors among the rows of a table.
#pragma once

#include <vector>

#include "data/tables/table.h"

namespace counterpoise {

// For each row in `of` the `k` rows in `among` that are nearest by Euclidean distance, nearest first: of.size() x k
// indices of rows. A row is not a neighbor of itself, though another row with the same numbers is. Of two that are
// equally near, the one with the smaller index comes first. Every pair is compared, so the result is exact and the
// time grows with of.size() x among.size() x columns: 5000 x 5000 x 10 are a fraction of a second.
// REQUIRES: indices of rows of the table, and more than k of them in `among`, each once. Throws Error(bad_data)
// for a feature whose square is not a finite number: NaN, infinity, or beyond 1e150. Uses the pool of
// kernels/cpu/parallel.h; safe to call from several threads.
std::vector<size_t> nearest_neighbors(const Table& table, const std::vector<size_t>& of,
                                      const std::vector<size_t>& among, size_t k);

}  // namespace counterpoise
