// Tables for the tests of data/tables: the golden ones, and random ones.
#pragma once

#include <nlohmann/json.hpp>
#include <numeric>

#include "core/random.h"
#include "data/tables/table.h"
#include "tests/golden.h"

namespace counterpoise {

using Json = nlohmann::json;
using Rows = std::vector<size_t>;

// The tables and results of scikit-learn and imbalanced-learn: golden/make_resample.py.
inline const Json& golden_tables() { return read_golden("data/golden/resample.json")["tables"]; }

inline Table table_of(const Json& golden_table) {
  return {golden_table["features"], golden_table["columns"], golden_table["labels"]};
}

inline Rows numbers_below(size_t n) {
  Rows rows(n);
  std::iota(rows.begin(), rows.end(), size_t(0));
  return rows;
}

// Normal clouds: `counts[c]` rows of class c, whose center is c in every column.
inline Table clouds(const std::vector<size_t>& counts, size_t columns) {
  Random rng(5, Stream::test);
  Table table{{}, columns, {}};
  for (size_t c = 0; c < counts.size(); ++c) {
    for (size_t i = 0; i < counts[c]; ++i) {
      table.labels.push_back(static_cast<int32_t>(c));
      for (size_t f = 0; f < columns; ++f) table.features.push_back(static_cast<double>(c) + rng.normal());
    }
  }
  return table;
}

}  // namespace counterpoise
