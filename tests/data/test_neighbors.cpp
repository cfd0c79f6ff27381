// Nearest neighbors among the rows of a table.
#include "data/tables/neighbors.h"

#include <algorithm>
#include <cmath>

#include "tests/backends.h"
#include "tests/data/tables.h"

using namespace counterpoise;

TEST_CASE("neighbors: they are scikit-learn's, and of equal ones the first") {
  REQUIRE(golden_tables().size() == 12);
  for (const Json& g : golden_tables()) {
    CAPTURE(std::string(g["name"]));
    const Table table = table_of(g);
    const Rows all = numbers_below(table.rows());
    CHECK(nearest_neighbors(table, all, all, 5) == Rows(g["nearest"]));
    CHECK(nearest_neighbors(table, all, Rows(all.rbegin(), all.rend()), 5) == Rows(g["nearest"]));
  }
}

TEST_CASE("neighbors: those over several blocks are what sorting finds, on any number of threads") {
  const Table table = clouds({250, 150}, 3);
  const Rows all = numbers_below(table.rows());
  const size_t k = 7;
  Rows expected;
  for (const size_t i : all) {
    std::vector<std::pair<double, size_t>> others;
    for (const size_t j : all) {
      double square = 0;
      for (size_t f = 0; f < 3; ++f) square += std::pow(table.row(i)[f] - table.row(j)[f], 2);
      if (i != j) others.emplace_back(square, j);
    }
    std::sort(others.begin(), others.end());
    for (size_t n = 0; n < k; ++n) expected.push_back(others[n].second);
  }
  for (const int threads : {1, 2, 3}) {
    const Threads guard(threads);
    CHECK(nearest_neighbors(table, all, all, k) == expected);
  }
  CHECK(nearest_neighbors(table, {399, 3}, {3, 399}, 1) == Rows{3, 399});
  CHECK(nearest_neighbors(table, {0}, {3, 399}, 1).size() == 1);  // rows may be looked for among others
}
