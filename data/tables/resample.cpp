#include "data/tables/resample.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "core/random.h"
#include "data/tables/neighbors.h"
#include "kernels/error.h"

namespace counterpoise {
namespace {

using Rows = std::vector<size_t>;
using Classes = std::map<int32_t, Rows>;

// The rows of each class, for `method`, which messages name.
Classes classes_of(const Table& table, const std::string& method) {
  CP_ENSURE(table.features.size() == table.rows() * table.columns, method, ": ", table.features.size(),
            " numbers are not a table of ", table.rows(), " rows by ", table.columns, " columns");
  CP_ENSURE_AS(bad_data, table.rows() > 0, method, ": the table has no rows");
  Classes classes;
  for (size_t i = 0; i < table.rows(); ++i) classes[table.labels[i]].push_back(i);
  CP_ENSURE_AS(bad_data, classes.size() > 1, method, ": all ", table.rows(), " rows have the label ", table.labels[0],
               "; there must be at least two classes");
  return classes;
}

bool fewer(const Classes::value_type& a, const Classes::value_type& b) { return a.second.size() < b.second.size(); }

size_t largest(const Classes& classes) {
  return std::max_element(classes.begin(), classes.end(), fewer)->second.size();
}

Classes::const_iterator smallest(const Classes& classes) {
  return std::min_element(classes.begin(), classes.end(), fewer);
}

Random rng_of(uint64_t seed, int32_t label) { return Random(seed, Stream::resample, static_cast<uint32_t>(label)); }

void append(const Table& from, const Origin& origin, Resampled& to) {
  const double *x = from.row(origin.row), *neighbor = from.row(origin.neighbor);
  for (size_t f = 0; f < from.columns; ++f) {
    // Copies are not computed: infinity minus infinity is NaN.
    to.table.features.push_back(origin.synthetic() ? x[f] + origin.gap * (neighbor[f] - x[f]) : x[f]);
  }
  to.table.labels.push_back(from.labels[origin.row]);
  to.origins.push_back(origin);
}

Resampled copies(const Table& table, const Rows& rows) {
  Resampled y{Table({}, table.columns, {}, table.class_names, table.column_names), {}};
  for (const size_t i : rows) append(table, {i, i, 0}, y);
  return y;
}

// Calls grow(label, rows, wanted) for each class that lacks `wanted` > 0 rows.
template <class Grow>
void for_each_to_grow(const Classes& classes, const Grow& grow) {
  for (const auto& [label, rows] : classes) {
    if (rows.size() < largest(classes)) grow(label, rows, largest(classes) - rows.size());
  }
}

// The k nearest neighbors of `of` among the rows of their class.
Rows nearest_of_class(const Table& table, const Rows& of, const Rows& members, size_t k, const std::string& method) {
  const std::string technique =
      members.size() > 1 ? detail::text("give k = ", members.size() - 1, " or less, or ") : "";
  CP_ENSURE_AS(bad_data, k < members.size(), method, ": class ", table.labels[members[0]], " has ", members.size(),
               members.size() == 1 ? " row" : " rows", ", but k = ", k, " neighbors need ", k + 1, "; ", technique,
               "use random_oversample");
  return nearest_neighbors(table, of, members, k);
}

// How many of the k nearest neighbors of each of these rows belong to another class than the row.
std::vector<size_t> others_near(const Table& table, const Rows& of, size_t k, const std::string& method) {
  CP_ENSURE_AS(bad_data, k < table.rows(), method, ": the table has ", table.rows(), " rows, but ", k,
               " neighbors need ", k + 1, "; look at ", table.rows() - 1, " neighbors or fewer");
  const Rows near = nearest_neighbors(table, of, table.all_samples(), k);
  std::vector<size_t> others(of.size());
  for (size_t i = 0; i < near.size(); ++i) others[i / k] += table.labels[near[i]] != table.labels[of[i / k]];
  return others;
}

const Rows& rows_of(const Classes& classes, int32_t label, const std::string& method) {
  const auto found = classes.find(label);
  CP_ENSURE_AS(bad_data, found != classes.end(), method, ": no row of the table has the label ", label);
  return found->second;
}

Border border_of(const Table& table, const Rows& rows, size_t m, const std::string& method) {
  const std::vector<size_t> others = others_near(table, rows, m, method);
  Border y;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (others[i] == m) {
      y.noise.push_back(rows[i]);
    } else if (2 * others[i] >= m) {
      y.danger.push_back(rows[i]);
    }
  }
  return y;
}

std::vector<size_t> shares(const Table& table, const Rows& rows, size_t wanted, size_t k) {
  std::vector<size_t> counts = others_near(table, rows, k, "adasyn");
  const size_t total = std::accumulate(counts.begin(), counts.end(), size_t(0));
  CP_ENSURE_AS(bad_data, total > 0, "adasyn: no row of class ", table.labels[rows[0]],
               " has a neighbor of another class among its ", k, " nearest; use smote");
  for (size_t& n : counts) {
    n = static_cast<size_t>(std::nearbyint(static_cast<double>(n * wanted) / static_cast<double>(total)));
  }
  return counts;
}

// New points from rows and neighbors that are drawn from `near`, k for each of `rows`.
void draw_between(const Table& table, const Rows& rows, const Rows& near, size_t wanted, Random rng, Resampled& to) {
  const size_t k = near.size() / rows.size();
  for (size_t n = 0; n < wanted; ++n) {
    const size_t place = rng.below(near.size());
    append(table, {rows[place / k], near[place], rng.uniform()}, to);
  }
}

}  // namespace

Resampled random_oversample(const Table& table, uint64_t seed) {
  const Classes classes = classes_of(table, "random_oversample");
  Resampled y = copies(table, table.all_samples());
  for_each_to_grow(classes, [&](int32_t label, const Rows& rows, size_t wanted) {
    Random rng = rng_of(seed, label);
    for (size_t n = 0; n < wanted; ++n) {
      const size_t i = rows[rng.below(rows.size())];
      append(table, {i, i, 0}, y);
    }
  });
  return y;
}

Resampled random_undersample(const Table& table, uint64_t seed, bool replacement) {
  const Classes classes = classes_of(table, "random_undersample");
  const auto kept = smallest(classes);
  Rows chosen;
  for (const auto& [label, rows] : classes) {
    Rows drawn = rows;
    if (label != kept->first) {
      Random rng = rng_of(seed, label);
      if (!replacement) rng.shuffle(drawn);
      drawn.resize(kept->second.size());
      if (replacement) {
        for (size_t& i : drawn) i = rows[rng.below(rows.size())];
      }
    }
    chosen.insert(chosen.end(), drawn.begin(), drawn.end());
  }
  return copies(table, chosen);
}

Resampled smote(const Table& table, uint64_t seed, size_t k) {
  const Classes classes = classes_of(table, "smote");
  Resampled y = copies(table, table.all_samples());
  for_each_to_grow(classes, [&](int32_t label, const Rows& rows, size_t wanted) {
    const Rows near = nearest_of_class(table, rows, rows, k, "smote");
    draw_between(table, rows, near, wanted, rng_of(seed, label), y);
  });
  return y;
}

Resampled borderline_smote(const Table& table, uint64_t seed, size_t k, size_t m) {
  const Classes classes = classes_of(table, "borderline_smote");
  Resampled y = copies(table, table.all_samples());
  for_each_to_grow(classes, [&](int32_t label, const Rows& rows, size_t wanted) {
    const Rows danger = border_of(table, rows, m, "borderline_smote").danger;
    if (danger.empty()) return;
    const Rows near = nearest_of_class(table, danger, rows, k, "borderline_smote");
    draw_between(table, danger, near, wanted, rng_of(seed, label), y);
  });
  return y;
}

Border border(const Table& table, int32_t label, size_t m) {
  return border_of(table, rows_of(classes_of(table, "border"), label, "border"), m, "border");
}

Resampled adasyn(const Table& table, uint64_t seed, size_t k) {
  const Classes classes = classes_of(table, "adasyn");
  Resampled y = copies(table, table.all_samples());
  for_each_to_grow(classes, [&](int32_t label, const Rows& rows, size_t wanted) {
    const std::vector<size_t> counts = shares(table, rows, wanted, k);
    CP_ENSURE_AS(bad_data, *std::max_element(counts.begin(), counts.end()) > 0, "adasyn: the new rows of class ", label,
                 " are too few, ", wanted, ", to share among its ", rows.size(), ": each gets none; use smote");
    const Rows near = nearest_of_class(table, rows, rows, k, "adasyn");
    Random rng = rng_of(seed, label);
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t n = 0; n < counts[i]; ++n) {
        const size_t neighbor = near[i * k + rng.below(k)];
        append(table, {rows[i], neighbor, rng.uniform()}, y);
      }
    }
  });
  return y;
}

std::vector<size_t> adasyn_counts(const Table& table, int32_t label, size_t wanted, size_t k) {
  return shares(table, rows_of(classes_of(table, "adasyn"), label, "adasyn"), wanted, k);
}

Resampled tomek_links(const Table& table, bool all) {
  const int32_t kept = smallest(classes_of(table, "tomek_links"))->first;
  std::vector<bool> goes(table.rows());
  for (const auto& [a, b] : tomek_pairs(table)) {
    for (const size_t i : {a, b}) goes[i] = all || table.labels[i] != kept;
  }
  Rows rows = table.all_samples();
  rows.erase(std::remove_if(rows.begin(), rows.end(), [&](size_t i) { return goes[i]; }), rows.end());
  return copies(table, rows);
}

std::vector<std::pair<size_t, size_t>> tomek_pairs(const Table& table) {
  classes_of(table, "tomek_pairs");  // for its checks
  const Rows rows = table.all_samples(), near = nearest_neighbors(table, rows, rows, 1);
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 0; i < near.size(); ++i) {
    if (i < near[i] && near[near[i]] == i && table.labels[i] != table.labels[near[i]]) pairs.emplace_back(i, near[i]);
  }
  return pairs;
}

}  // namespace counterpoise
