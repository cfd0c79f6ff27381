// Resampling of tables: what is not drawn is imbalanced-learn's, what is drawn is drawn evenly.
#include "data/resample.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "core/random.h"
#include "data/neighbours.h"
#include "tests/support.h"

using namespace counterpoise;
using Json = nlohmann::json;

namespace {

using Rows = std::vector<size_t>;
using Sizes = std::vector<std::pair<int32_t, size_t>>;

Sizes sizes(const Table& table) {
  std::map<int32_t, size_t> n;
  for (int32_t label : table.labels) ++n[label];
  return {n.begin(), n.end()};
}

Rows rows_with(const Table& table, int32_t label) {
  Rows rows;
  for (size_t i = 0; i < table.rows(); ++i) {
    if (table.labels[i] == label) rows.push_back(i);
  }
  return rows;
}

// The classes' sizes after a method, or null where it ends in an error.
template <class Run>
Json after(const Run& run) {
  try {
    return sizes(run().table);
  } catch (const Error& error) {
    CHECK(error.code() == Exit::bad_data);
    return nullptr;
  }
}

// Two clouds of points, `few` of label 1 and `many` of label 0.
Table clouds(size_t few, size_t many, size_t columns = 2) {
  Random rng(3, Stream::test);
  Table table;
  table.columns = columns;
  for (size_t i = 0; i < few + many; ++i) {
    table.labels.push_back(i < few ? 1 : 0);
    for (size_t f = 0; f < columns; ++f) table.features.push_back(rng.normal() + (i < few ? 1 : 0));
  }
  return table;
}

// Every row is what its origin says, of the origin's class, and lies between its parents.
void check_origins(const Table& table, const Resampled& y) {
  REQUIRE(y.origins.size() == y.table.rows());
  REQUIRE(y.table.features.size() == y.table.rows() * table.columns);
  for (size_t i = 0; i < y.origins.size(); ++i) {
    const Origin& o = y.origins[i];
    CHECK(y.table.labels[i] == table.labels.at(o.row));
    CHECK(table.labels.at(o.neighbour) == table.labels[o.row]);
    CHECK((0 <= o.gap && o.gap < 1));
    for (size_t f = 0; f < table.columns; ++f) {
      const double a = table.row(o.row)[f], b = table.row(o.neighbour)[f], x = y.table.row(i)[f];
      CHECK((std::min(a, b) <= x && x <= std::max(a, b)));
      CHECK(x == a + o.gap * (b - a));
    }
  }
}

}  // namespace

TEST_CASE("resample: neighbours, danger, noise, counts, links and sizes are imbalanced-learn's") {
  std::ifstream file(std::string(SOURCE_DIR) + "/tests/golden/resample.json");
  const Json golden = Json::parse(file);
  CHECK(golden["tables"].size() >= 10);
  for (const Json& row : golden["tables"]) {
    const std::string name = row["name"];
    CAPTURE(name);
    Table table;
    table.columns = row["columns"];
    table.labels = row["labels"].get<std::vector<int32_t>>();
    table.features = row["features"].get<std::vector<double>>();
    Rows all(table.rows());
    for (size_t i = 0; i < all.size(); ++i) all[i] = i;
    CHECK(nearest(table, all, all, 5) == row["nearest"].get<Rows>());
    CHECK(after([&] { return random_oversample(table, 1); }) == row["random_oversample"]);
    CHECK(after([&] { return random_undersample(table, 1); }) == row["random_undersample"]);
    for (const bool both : {false, true}) {
      Rows kept;
      for (const Origin& o : tomek_links(table, both).origins) kept.push_back(o.row);
      CHECK(kept == row[both ? "tomek_all" : "tomek"].get<Rows>());
    }
    for (const Json& run : row["runs"]) {
      const size_t k = run["k"], m = run["m"];
      CAPTURE(k);
      CHECK(after([&] { return smote(table, 1, k); }) == run["after"]["smote"]);
      CHECK(after([&] { return borderline_smote(table, 1, k, m); }) == run["after"]["borderline_smote"]);
      CHECK(after([&] { return adasyn(table, 1, k); }) == run["after"]["adasyn"]);
      for (const Json& c : run["classes"]) {
        const int32_t label = c["label"];
        CAPTURE(label);
        const Rows rows = rows_with(table, label);
        if (c.contains("smote")) CHECK(nearest(table, rows, rows, k) == c["smote"].get<Rows>());
        if (c.contains("danger")) {
          const Border edge = border(table, label, m);
          CHECK(edge.danger == c["danger"].get<Rows>());
          CHECK(edge.noise == c["noise"].get<Rows>());
          if (c.contains("borderline")) CHECK(nearest(table, edge.danger, rows, k) == c["borderline"].get<Rows>());
        }
        if (c.contains("adasyn")) CHECK(adasyn_counts(table, label, c["wanted"], k) == c["adasyn"].get<Rows>());
      }
    }
  }
}

TEST_CASE("resample: the lecture's counts, 1000 and 11000") {
  Table table;  // without columns, as for pictures
  table.labels.assign(12000, 0);
  std::fill(table.labels.begin(), table.labels.begin() + 1000, 1);
  CHECK(sizes(random_oversample(table, 1).table) == Sizes{{0, 11000}, {1, 11000}});
  const Resampled under = random_undersample(table, 1);
  CHECK(sizes(under.table) == Sizes{{0, 1000}, {1, 1000}});
  std::map<size_t, int> times;
  for (const Origin& o : under.origins) ++times[o.row];
  CHECK(times.size() == 2000);
}

TEST_CASE("resample: points lie between their parents, of one class, and originals stay") {
  const Table table = clouds(30, 200, 4);
  for (const Resampled& y : {random_oversample(table, 5), random_undersample(table, 5), smote(table, 5),
                             borderline_smote(table, 5), adasyn(table, 5), tomek_links(table)}) {
    check_origins(table, y);
  }
  const Resampled y = smote(table, 5);
  for (size_t i = 0; i < table.rows(); ++i) CHECK((y.origins[i].row == i && !y.origins[i].synthetic()));
  for (size_t i = table.rows(); i < y.table.rows(); ++i) CHECK(y.origins[i].synthetic());
  // Only rows in danger grow.
  const Rows danger = border(table, 1).danger;
  for (const Origin& o : borderline_smote(table, 5).origins) {
    if (o.synthetic()) CHECK(std::count(danger.begin(), danger.end(), o.row) == 1);
  }
  CHECK(smote(table, 5).table.features == y.table.features);
  CHECK(smote(table, 6).table.features != y.table.features);
}

TEST_CASE("resample: parents and gaps are drawn evenly, within four standard errors") {
  const Table table = clouds(20, 8020, 3);
  const Resampled y = smote(table, 9);
  const Rows rows = rows_with(table, 1), near = nearest(table, rows, rows, 5);
  std::map<std::pair<size_t, size_t>, int> pairs;
  double gaps = 0, squares = 0, n = 0;
  for (const Origin& o : y.origins) {
    if (!o.synthetic()) continue;
    ++pairs[{o.row, o.neighbour}], ++n;
    gaps += o.gap - 0.5, squares += (o.gap - 0.5) * (o.gap - 0.5);
  }
  CHECK(n == 8000);
  CHECK(pairs.size() == 100);
  for (size_t i = 0; i < near.size(); ++i) {
    const double seen = pairs[{rows[i / 5], near[i]}], p = 1. / 100;
    CHECK(std::fabs(seen - n * p) < 4 * std::sqrt(n * p * (1 - p)));
  }
  CHECK(std::fabs(gaps / n) < 4 * std::sqrt(1 / 12. / n));
  CHECK(std::fabs(squares / n - 1 / 12.) < 4 * std::sqrt(1 / 180. / n));
}

TEST_CASE("resample: what cannot be done is said, with what to do") {
  const auto error = [](const auto& run) { return error_of(run, Exit::bad_data); };
  CHECK(error([] { smote(clouds(5, 30), 1); }) ==
        "smote: class 1 has 5 rows, but k = 5 neighbours need 6; give k = 4 or less, or use random_oversample");
  CHECK(contains(error([] { smote(clouds(1, 30), 1); }), "use random_oversample"));
  CHECK(error([] { smote({}, 1); }) == "smote: the table has no rows");
  CHECK(contains(error([] { adasyn(clouds(0, 30), 1); }), "there must be at least two classes"));
  Table far = clouds(10, 30);
  for (size_t f = 0; f < 20; ++f) far.features[f] += 1000;
  CHECK(contains(error([&] { adasyn(far, 1); }), "no row of class 1 has a neighbour of another class"));
  CHECK(sizes(borderline_smote(far, 1).table) == Sizes{{0, 30}, {1, 10}});  // nobody is in danger
  Table hole = clouds(10, 30);
  hole.features[3] = std::numeric_limits<double>::quiet_NaN();
  CHECK(contains(error([&] { smote(hole, 1); }), "row 1 column 1 of the table is nan; replace what is missing"));
}
