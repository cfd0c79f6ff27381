// Resampling: changing the number of rows of each class of a table, by copies of the rare classes' rows, by synthetic
// rows between them, or by leaving out rows of the common classes.
//
//   const Resampled balanced = smote(training, seed);  // 1000 and 11000 rows become 11000 and 11000
//   fit(model, balanced.table);
//
// For TRAINING data only, after the split. Resampling before the split puts copies of a row, or points between two
// rows, into both parts, so that the score measures memory; resampled validation data do not have the class shares that
// the model will meet. The features are compared as they are, so standardize them before (preprocessing.h). A model
// that was trained on balanced rows predicts probabilities for balanced classes; moving its threshold or its prior
// corrects that.
//
// Classes are the labels that occur, any number of them. The rules, and the defaults, are imbalanced-learn's, whose
// sampling_strategy is "auto". Every function throws Error(bad_data) for a table without rows or with a single class,
// and for a label that no row has. The same seed gives the same rows; each class has a random stream of its own. All
// functions are safe to call from several threads.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "data/tables/table.h"

namespace counterpoise {

// Where a row comes from: x = x_row + gap (x_neighbor - x_row), with indices of rows of the given table. A copy is its
// own neighbor, with gap 0. With it, data parallel to the table, such as paths or weights, can be resampled too.
struct Origin {
  size_t row, neighbor;
  double gap;  // [0, 1)

  bool synthetic() const { return neighbor != row; }
};

struct Resampled {
  Table table;
  std::vector<Origin> origins;  // one for each row of the table
};

// Copies, drawn with replacement, until every class has as many rows as the largest: 1000 and 11000 become 11000 and
// 11000. All rows stay, first and in their order; copies follow class by class. A table may have no columns: then only
// the origins matter, for example for images.
Resampled random_oversample(const Table& table, uint64_t seed);

// As many rows of each class as the smallest has: 1000 and 11000 become 1000 and 1000. Class by class in the order of
// the labels; the smallest, or the first of several, stays as it is. With `replacement` a row may be drawn twice.
// A table may have no columns.
Resampled random_undersample(const Table& table, uint64_t seed, bool replacement = false);

// SMOTE, Chawla et al. 2002 (arXiv:1106.1813): every class grows to the size of the largest by points between a row
// and one of its k nearest neighbors of the same class, both drawn uniformly, as is the gap. New rows come after all
// the others, class by class. Throws Error(bad_data) for a class that must grow and has fewer than k + 1 rows.
Resampled smote(const Table& table, uint64_t seed, size_t k = 5);

// Borderline-SMOTE 1, Han, Wang and Mao 2005: as smote(), but only rows in danger get new points, towards any of their
// k nearest neighbors of the same class. A class without a row in danger stays as it is, so the classes need not become
// equal: check the counts. Throws Error(bad_data) as smote() does for a class that has rows in danger, and for a table
// of fewer than m + 1 rows.
Resampled borderline_smote(const Table& table, uint64_t seed, size_t k = 5, size_t m = 10);

// The rows of a class by the number of others among their m nearest neighbors of any class: in danger where
// m / 2 <= others < m, noise where others = m, and safe else. Both in the order of the table.
struct Border {
  std::vector<size_t> danger, noise;
};
Border border(const Table& table, int32_t label, size_t m = 10);

// ADASYN, He et al. 2008: as smote(), but the row that a new point starts from is not drawn: adasyn_counts() says how
// many points start from each. The counts are rounded, so a class may become a little larger or smaller than the
// largest. Throws Error(bad_data) for a class that must grow and has fewer than k + 1 rows, has no neighbor of another
// class, or whose counts are all zero; use smote() for these.
Resampled adasyn(const Table& table, uint64_t seed, size_t k = 5);

// How many of `wanted` new points start from each row of a class, in the order of the table: wanted r_i / sum(r), r_i
// being the share of other classes among the row's k nearest neighbors, rounded half to even. The quotient is exact,
// where imbalanced-learn's sums of fractions may fall to either side of a half.
std::vector<size_t> adasyn_counts(const Table& table, int32_t label, size_t wanted, size_t k = 5);

// Removes Tomek links, Tomek 1976: of each pair of tomek_pairs() the row that is not of the smallest class (the first,
// of several), or with `all` both. The others keep their order; nothing is random, so there is no seed.
Resampled tomek_links(const Table& table, bool all = false);

// Pairs of rows, the smaller index first, that are each other's nearest neighbor and belong to different classes.
std::vector<std::pair<size_t, size_t>> tomek_pairs(const Table& table);

}  // namespace counterpoise
