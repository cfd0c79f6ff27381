// Preprocessing of tables: a split into training and test rows, and standardized columns.
//
// The functions are safe to use from several threads on different tables.
#pragma once

#include <cstdint>
#include <vector>

#include "data/tables/table.h"

namespace counterpoise {

struct Split {
  Table train, test;
};

// Splits the rows at random so that both parts have the same share of every class: the test part gets test_share of the
// rows of each class, rounded, but at least one and not all. The rows keep their order. The same seed gives the same
// parts. Throws Error(invalid_argument) unless 0 < test_share < 1 and Error(bad_data) for a class with a single row.
Split stratified_split(const Table& table, double test_share, uint64_t seed);

// Scales columns to mean 0 and standard deviation 1: x -> (x - mean) / deviation, where both are those of the training
// rows (scikit-learn's StandardScaler; the deviation is that of the population). A column that is constant there is
// only shifted, to 0.
class Standardizer {
 public:
  // Throws Error(bad_data) for a table without rows, and for a column that is not finite or too large to be squared.
  explicit Standardizer(const Table& train);

  // [columns]
  const std::vector<double>& means() const { return means_; }
  const std::vector<double>& deviations() const { return deviations_; }  // 1 for a constant column

  // Scales the features of a table with the same columns. Throws Error(invalid_argument) for another number of them.
  void apply(Table& table) const;

 private:
  std::vector<double> means_, deviations_;
};

// Scales both by the means and deviations of `train`, and returns them, for data to come.
Standardizer standardize(Table& train, Table& test);

}  // namespace counterpoise
