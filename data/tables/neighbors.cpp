#include "data/tables/neighbors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/cpu/parallel.h"
#include "kernels/error.h"

namespace counterpoise {
namespace {

// The number of rows that are compared at once: their distances stay in the first cache, and the loop over them is
// vectorized.
constexpr size_t lanes = 128;

// Distance and row, in the order in which neighbors are wanted.
using Candidate = std::pair<double, size_t>;

// Keeps `best` sorted; its last element is dropped.
void insert(const Candidate& candidate, Candidate* best, size_t k) {
  Candidate* place = std::upper_bound(best, best + k, candidate);
  std::move_backward(place, best + k - 1, best + k);
  *place = candidate;
}

// The rows in blocks of `lanes`, each transposed, so that one feature of all its rows is contiguous. The last is padded
// with zeros.
std::vector<double> transposed_blocks(const Table& table, const std::vector<size_t>& rows) {
  const size_t blocks = (rows.size() + lanes - 1) / lanes, d = table.columns;
  std::vector<double> y(blocks * lanes * d);
  for (size_t i = 0; i < rows.size(); ++i) {
    double* block = y.data() + i / lanes * lanes * d;
    for (size_t f = 0; f < d; ++f) block[f * lanes + i % lanes] = table.row(rows[i])[f];
  }
  return y;
}

void check_features(const Table& table) {
  for (size_t i = 0; i < table.features.size(); ++i) {
    // Written so that NaN fails.
    CP_ENSURE_AS(bad_data, std::abs(table.features[i]) <= 1e150, "neighbors: row ", i / table.columns, " column ",
                 i % table.columns, " of the table is ", table.features[i],
                 "; replace what is missing, and bring columns to one scale, before looking for neighbors");
  }
}

}  // namespace

std::vector<size_t> nearest_neighbors(const Table& table, const std::vector<size_t>& of,
                                      const std::vector<size_t>& among, size_t k) {
  CP_ENSURE(table.columns > 0, "neighbors: the table has no columns, so all rows are equally near");
  CP_ENSURE(table.features.size() == table.rows() * table.columns, "neighbors: ", table.features.size(),
            " numbers are not a table of ", table.rows(), " rows by ", table.columns, " columns");
  CP_ENSURE(0 < k && k < among.size(), "neighbors: ", k, " neighbors among ", among.size(),
            " rows; there must be at least 1 and fewer than rows");
  check_features(table);
  const size_t d = table.columns;
  const std::vector<double> blocks = transposed_blocks(table, among);
  std::vector<Candidate> best(of.size() * k, {std::numeric_limits<double>::infinity(), table.rows()});
  // Each block is compared with all rows of a run while it is in the cache.
  parallel_for(static_cast<Index>(of.size()), 16, [&](Index begin, Index end) {
    for (size_t first = 0; first < among.size(); first += lanes) {
      const size_t here = std::min(lanes, among.size() - first);
      for (size_t i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        double squares[lanes] = {};
        const double* row = table.row(of[i]);
        for (size_t f = 0; f < d; ++f) {
          const double x = row[f];
          const double* others = blocks.data() + first * d + f * lanes;
          for (size_t j = 0; j < lanes; ++j) squares[j] += (x - others[j]) * (x - others[j]);
        }
        Candidate* mine = best.data() + i * k;
        for (size_t j = 0; j < here; ++j) {
          const Candidate candidate(squares[j], among[first + j]);
          if (candidate < mine[k - 1] && candidate.second != of[i]) insert(candidate, mine, k);
        }
      }
    }
  });
  std::vector<size_t> rows;
  rows.reserve(best.size());
  for (const Candidate& candidate : best) rows.push_back(candidate.second);
  return rows;
}

}  // namespace counterpoise
