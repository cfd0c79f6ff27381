// Nearest neighbors among the rows of a table.
#pragma once

#include <vector>

#include "data/tables/table.h"

namespace counterpoise {

// For each row in `of` the `k` rows in `among` that are nearest by Euclidean distance, nearest first: of.size() x k
// indices of rows. A row is not a neighbor of itself, though another row with the same numbers is. Of two that are
// equally near, the one with the smaller index comes first. Every pair is compared, so the result is exact and the
// time grows with of.size() x among.size() x columns: 5000 x 5000 x 10 take a fraction of a second.
// REQUIRES: indices of rows of the table, each once in `among`. Throws unless 0 < k < among.size() and the table has
// columns, and Error(bad_data) for a feature that is NaN, infinite or beyond 1e150, whose square is not finite. Uses
// the thread pool of kernels/cpu/parallel.h; safe to call from several threads.
std::vector<size_t> nearest_neighbors(const Table& table, const std::vector<size_t>& of,
                                      const std::vector<size_t>& among, size_t k);

}  // namespace counterpoise
