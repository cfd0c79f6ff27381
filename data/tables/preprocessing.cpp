#include "data/tables/preprocessing.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/random.h"
#include "kernels/error.h"

namespace counterpoise {

Split stratified_split(const Table& table, double test_share, uint64_t seed) {
  CP_ENSURE_AS(invalid_argument, 0 < test_share && test_share < 1, "stratified_split: the test share is ", test_share,
               " but must be between 0 and 1");
  std::map<int32_t, std::vector<size_t>> classes;
  for (size_t i = 0; i < table.rows(); ++i) classes[table.labels[i]].push_back(i);
  std::vector<bool> is_test(table.rows());
  for (auto& [label, rows] : classes) {
    const auto n = static_cast<int64_t>(rows.size());
    CP_ENSURE_AS(bad_data, n > 1, "stratified_split: class ",
                 static_cast<size_t>(label) < table.class_names.size() ? table.class_names[label] : detail::text(label),
                 " has a single row, which cannot be in both parts");
    Random(seed, Stream::subset, static_cast<uint32_t>(label)).shuffle(rows);
    const int64_t tested = std::clamp<int64_t>(std::llround(test_share * static_cast<double>(n)), 1, n - 1);
    for (int64_t i = 0; i < tested; ++i) is_test[rows[i]] = true;
  }
  std::vector<size_t> train, test;
  for (size_t i = 0; i < table.rows(); ++i) (is_test[i] ? test : train).push_back(i);
  return {table.select_rows(train), table.select_rows(test)};
}

Standardizer::Standardizer(const Table& train) {
  CP_ENSURE_AS(bad_data, train.rows() > 0, "Standardizer: the table has no rows");
  const auto n = static_cast<double>(train.rows());
  for (size_t c = 0; c < train.columns; ++c) {
    double sum = 0, squares = 0, low = train.row(0)[c], high = low;
    for (size_t i = 0; i < train.rows(); ++i) {
      const double x = train.row(i)[c];
      sum += x;
      low = std::min(low, x), high = std::max(high, x);
    }
    // Of a constant column the mean would be rounded, and the differences divided by what rounding left.
    const double mean = low == high ? low : sum / n;
    for (size_t i = 0; i < train.rows(); ++i) squares += (train.row(i)[c] - mean) * (train.row(i)[c] - mean);
    CP_ENSURE_AS(bad_data, std::isfinite(squares), "Standardizer: column ",
                 c < train.column_names.size() ? train.column_names[c] : detail::text(c),
                 " holds numbers that are not finite, or too large");
    means_.push_back(mean);
    deviations_.push_back(squares > 0 ? std::sqrt(squares / n) : 1);
  }
}

void Standardizer::apply(Table& table) const {
  CP_ENSURE_AS(invalid_argument, table.columns == means_.size(), "Standardizer: the table has ", table.columns,
               " columns, but was made for ", means_.size());
  for (size_t i = 0; i < table.features.size(); ++i) {
    const size_t c = i % table.columns;
    table.features[i] = (table.features[i] - means_[c]) / deviations_[c];
  }
}

Standardizer standardize(Table& train, Table& test) {
  const Standardizer standardizer(train);
  standardizer.apply(train);
  standardizer.apply(test);
  return standardizer;
}

}  // namespace counterpoise
