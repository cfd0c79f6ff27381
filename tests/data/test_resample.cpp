// data/tables/resample.h: other numbers of rows for each class of a table.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "data/tables/neighbors.h"
#include "data/tables/resample.h"
#include "tests/data/tables.h"

using namespace counterpoise;

namespace {

using Sizes = std::map<int32_t, size_t>;

Sizes sizes(const Table& table) {
  Sizes sizes;
  for (const int32_t label : table.labels) ++sizes[label];
  return sizes;
}

// [[label, size], ...]
Sizes sizes_of(const Json& pairs) {
  Sizes sizes;
  for (const Json& pair : pairs) sizes[pair[0]] = pair[1];
  return sizes;
}

Rows rows_of(const Table& table, int32_t label) {
  Rows rows;
  for (size_t i = 0; i < table.rows(); ++i) {
    if (table.labels[i] == label) rows.push_back(i);
  }
  return rows;
}

Rows sources(const Resampled& resampled) {
  Rows rows;
  for (const Origin& origin : resampled.origins) rows.push_back(origin.row);
  return rows;
}

// Everything that a row's origin promises.
void check_origins(const Resampled& y, const Table& table) {
  REQUIRE(y.table.columns == table.columns);
  REQUIRE(y.origins.size() == y.table.rows());
  REQUIRE(y.table.features.size() == y.table.rows() * y.table.columns);
  for (size_t i = 0; i < y.table.rows(); ++i) {
    const auto [row, neighbor, gap] = y.origins[i];
    REQUIRE(row < table.rows());
    REQUIRE(neighbor < table.rows());
    REQUIRE((0 <= gap && gap < 1));
    REQUIRE(y.table.labels[i] == table.labels[row]);
    REQUIRE(table.labels[neighbor] == table.labels[row]);
    for (size_t f = 0; f < table.columns; ++f) {
      const double a = table.row(row)[f], b = table.row(neighbor)[f], x = y.table.row(i)[f];
      REQUIRE((std::min(a, b) <= x && x <= std::max(a, b)));
      REQUIRE(std::abs(x - ((1 - gap) * a + gap * b)) <= 1e-15 * (std::abs(a) + std::abs(b)));
    }
  }
}

// The table comes first, as it was.
void check_kept(const Resampled& y, const Table& table) {
  REQUIRE(y.table.rows() >= table.rows());
  for (size_t i = 0; i < table.rows(); ++i) {
    REQUIRE(y.origins[i].row == i);
    REQUIRE_FALSE(y.origins[i].synthetic());
  }
  CHECK(std::equal(table.features.begin(), table.features.end(), y.table.features.begin()));
}

// Where imbalanced-learn raises an error, so do we, and elsewhere the classes get the same sizes.
template <class Run>
void check_sizes(const Json& expected, const Table& table, const Run& run) {
  if (expected.is_null()) {
    CHECK(error_of(run, ErrorKind::bad_data) != "");
    return;
  }
  const Resampled y = run();
  CHECK(sizes(y.table) == sizes_of(expected));
  check_kept(y, table);
  check_origins(y, table);
}

// New points by the row that they start from.
std::map<size_t, size_t> starts(const Resampled& y) {
  std::map<size_t, size_t> counts;
  for (const Origin& origin : y.origins) {
    if (origin.synthetic()) ++counts[origin.row];
  }
  return counts;
}

// Chi-squared of counts that should be even lies within 4 standard errors of its mean.
void check_even(const std::vector<size_t>& counts) {
  const double mean = static_cast<double>(std::accumulate(counts.begin(), counts.end(), size_t(0))) /
                      static_cast<double>(counts.size());
  REQUIRE(mean > 10);
  double chi2 = 0;
  for (const size_t n : counts) chi2 += (static_cast<double>(n) - mean) * (static_cast<double>(n) - mean) / mean;
  const double freedom = static_cast<double>(counts.size()) - 1;
  CHECK(std::abs(chi2 - freedom) < 4 * std::sqrt(2 * freedom));
}

// Of the new points: neighbors are drawn evenly, whatever the place, and so are gaps.
void check_draws(const Resampled& y, const Table& table, size_t k) {
  const Rows members = rows_of(table, 0);
  std::vector<size_t> places(k), tenths(10);
  double n = 0, sum = 0, squares = 0;
  for (const Origin& origin : y.origins) {
    if (!origin.synthetic()) continue;
    const Rows near = nearest_neighbors(table, {origin.row}, members, k);
    const auto place = std::find(near.begin(), near.end(), origin.neighbor);
    REQUIRE(place != near.end());
    ++places[static_cast<size_t>(place - near.begin())];
    ++tenths[static_cast<size_t>(origin.gap * 10)];
    n += 1, sum += origin.gap, squares += origin.gap * origin.gap;
  }
  check_even(places);
  check_even(tenths);
  CHECK(std::abs(sum / n - 0.5) < 4 * std::sqrt(1 / 12.0 / n));
  CHECK(std::abs(squares / n - 1 / 3.0) < 4 * std::sqrt(4 / 45.0 / n));
}

// Each method with a table and a seed.
struct Method {
  const char* name;
  Resampled (*run)(const Table&, uint64_t);
};
const Method methods[] = {
    {"random_oversample", random_oversample},
    {"random_undersample", [](const Table& t, uint64_t seed) { return random_undersample(t, seed); }},
    {"smote", [](const Table& t, uint64_t seed) { return smote(t, seed); }},
    {"borderline_smote", [](const Table& t, uint64_t seed) { return borderline_smote(t, seed); }},
    {"adasyn", [](const Table& t, uint64_t seed) { return adasyn(t, seed); }},
    {"tomek_links", [](const Table& t, uint64_t) { return tomek_links(t); }},
};

}  // namespace

TEST_CASE("resample: classes come out as imbalanced-learn's, with errors where it has errors") {
  size_t errors = 0;
  for (const Json& g : golden_tables()) {
    CAPTURE(std::string(g["name"]));
    const Table table = table_of(g);
    check_sizes(g["random_oversample"], table, [&] { return random_oversample(table, 1); });
    const Resampled under = random_undersample(table, 1);
    CHECK(sizes(under.table) == sizes_of(g["random_undersample"]));
    check_origins(under, table);
    for (const Json& run : g["runs"]) {
      const size_t k = run["k"], m = run["m"];
      CAPTURE(k);
      CAPTURE(m);
      const Json& after = run["after"];
      check_sizes(after["smote"], table, [&] { return smote(table, 1, k); });
      check_sizes(after["borderline_smote"], table, [&] { return borderline_smote(table, 1, k, m); });
      check_sizes(after["adasyn"], table, [&] { return adasyn(table, 1, k); });
      for (const Json& expected : after) errors += expected.is_null();
    }
  }
  CHECK(errors == 6);
}

TEST_CASE("resample: the lecture's 1000 and 11000") {
  Table table{{}, 0, std::vector<int32_t>(12000, 1)};
  std::fill_n(table.labels.begin(), 1000, 0);
  CHECK(sizes(random_oversample(table, 1).table) == Sizes{{0, 11000}, {1, 11000}});
  CHECK(sizes(random_undersample(table, 1).table) == Sizes{{0, 1000}, {1, 1000}});
  CHECK(sizes(random_undersample(table, 1, true).table) == Sizes{{0, 1000}, {1, 1000}});
  table.columns = 1;
  for (size_t i = 0; i < table.rows(); ++i) table.features.push_back(static_cast<double>(i * i % 12007));
  CHECK(sizes(smote(table, 1).table) == Sizes{{0, 11000}, {1, 11000}});
}

TEST_CASE("resample: smote starts from every row and draws from imbalanced-learn's neighbors") {
  for (const Json& g : golden_tables()) {
    const Table table = table_of(g);
    for (const Json& run : g["runs"]) {
      const size_t k = run["k"], m = run["m"];
      for (const Json& c : run["classes"]) {
        for (const std::string method : {"smote", "borderline"}) {
          if (!c.contains(method)) continue;
          CAPTURE(std::string(g["name"]));
          CAPTURE(method);
          const int32_t label = c["label"];
          const Rows from = method == "smote" ? rows_of(table, label) : Rows(c["danger"]), near = c[method];
          REQUIRE(near.size() == from.size() * k);
          std::set<std::pair<size_t, size_t>> allowed, drawn;
          for (size_t i = 0; i < near.size(); ++i) allowed.insert({from[i / k], near[i]});
          // So many draws that every pair comes.
          for (size_t seed = 0, draws = 0; draws < 12 * allowed.size() && seed < 5000; ++seed) {
            const Resampled y = method == "smote" ? smote(table, seed, k) : borderline_smote(table, seed, k, m);
            for (const Origin& origin : y.origins) {
              if (!origin.synthetic() || table.labels[origin.row] != label) continue;
              drawn.insert({origin.row, origin.neighbor});
              ++draws;
            }
          }
          CHECK(drawn == allowed);
        }
      }
    }
  }
}

TEST_CASE("resample: rows in danger and noise are imbalanced-learn's") {
  size_t danger = 0, noise = 0;
  for (const Json& g : golden_tables()) {
    const Table table = table_of(g);
    for (const Json& run : g["runs"]) {
      for (const Json& c : run["classes"]) {
        if (!c.contains("danger")) continue;
        CAPTURE(std::string(g["name"]));
        CAPTURE(c.dump());
        const Border found = border(table, c["label"], run["m"]);
        CHECK(found.danger == Rows(c["danger"]));
        CHECK(found.noise == Rows(c["noise"]));
        danger += found.danger.size(), noise += found.noise.size();
      }
    }
  }
  CHECK(danger > 200);
  CHECK(noise > 20);
}

TEST_CASE("resample: adasyn's counts are imbalanced-learn's") {
  size_t classes = 0;
  for (const Json& g : golden_tables()) {
    const Table table = table_of(g);
    for (const Json& run : g["runs"]) {
      for (const Json& c : run["classes"]) {
        if (!c.contains("adasyn")) continue;
        CAPTURE(std::string(g["name"]));
        const int32_t label = c["label"];
        const std::vector<size_t> counts = adasyn_counts(table, label, c["wanted"], run["k"]);
        CHECK(counts == std::vector<size_t>(c["adasyn"]));
        std::map<size_t, size_t> made = starts(adasyn(table, 3, run["k"]));
        const Rows rows = rows_of(table, label);
        for (size_t i = 0; i < rows.size(); ++i) CHECK(made[rows[i]] == counts[i]);
        ++classes;
      }
    }
  }
  CHECK(classes >= 14);
}

TEST_CASE("resample: adasyn rounds from half way to even") {
  // On a line: each row of class 1 has one neighbor of each class, so they share evenly.
  const Table table{{0, 1, 2, 10, 11, 12, 20, 21, 22}, 1, {1, 0, 1, 1, 0, 1, 1, 0, 1}};
  CHECK(adasyn_counts(table, 1, 3, 1) == std::vector<size_t>(6, 0));   // 1/2
  CHECK(adasyn_counts(table, 1, 9, 1) == std::vector<size_t>(6, 2));   // 3/2
  CHECK(adasyn_counts(table, 1, 15, 1) == std::vector<size_t>(6, 2));  // 5/2
  CHECK(adasyn_counts(table, 1, 16, 1) == std::vector<size_t>(6, 3));
}

TEST_CASE("resample: Tomek's links are imbalanced-learn's") {
  size_t removed = 0;
  for (const Json& g : golden_tables()) {
    CAPTURE(std::string(g["name"]));
    const Table table = table_of(g);
    const Resampled some = tomek_links(table), all = tomek_links(table, true);
    CHECK(sources(some) == Rows(g["tomek"]));
    CHECK(sources(all) == Rows(g["tomek_all"]));
    check_origins(some, table);
    check_origins(all, table);
    CHECK(table.rows() - all.table.rows() == 2 * tomek_pairs(table).size());
    removed += table.rows() - all.table.rows();
  }
  CHECK(removed > 50);
  // On a line, class 1 the smaller: 0 and 1 are a link, 3 and 3.5 are of one class, 9 is nobody's nearest.
  const Table line{{0, 1, 3, 3.5, 9}, 1, {0, 1, 0, 0, 1}};
  CHECK(tomek_pairs(line) == std::vector<std::pair<size_t, size_t>>{{0, 1}});
  CHECK(sources(tomek_links(line)) == Rows{1, 2, 3, 4});
  CHECK(sources(tomek_links(line, true)) == Rows{2, 3, 4});
}

TEST_CASE("resample: smote draws rows, neighbors and gaps evenly") {
  const Table table = clouds({40, 4040}, 3);
  const Resampled y = smote(table, 7, 4);
  check_draws(y, table, 4);
  std::vector<size_t> counts;
  for (const auto& [row, n] : starts(y)) counts.push_back(n);
  REQUIRE(counts.size() == 40);
  check_even(counts);
}

TEST_CASE("resample: borderline_smote and adasyn draw neighbors and gaps evenly") {
  const Table table = clouds({40, 3040}, 2);
  check_draws(adasyn(table, 8, 5), table, 5);
  // Few rows of 40 are in danger among 3040, unless many neighbors are looked at.
  const Resampled y = borderline_smote(table, 9, 5, 30);
  check_draws(y, table, 5);
  const Rows danger = border(table, 0, 30).danger;
  std::vector<size_t> counts;
  for (const auto& [row, n] : starts(y)) {
    CHECK(std::binary_search(danger.begin(), danger.end(), row));
    counts.push_back(n);
  }
  REQUIRE(counts.size() == danger.size());
  REQUIRE(danger.size() > 1);
  check_even(counts);
}

TEST_CASE("resample: random sampling draws rows evenly, and without replacement each at most once") {
  Table table{{}, 0, std::vector<int32_t>(2040, 1)};
  std::fill_n(table.labels.begin(), 40, 0);
  std::vector<size_t> copies(40), drawn(50), once(50);
  for (const size_t i : sources(random_oversample(table, 4))) {
    if (i < 40) ++copies[i];
  }
  check_even(copies);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const Rows with = sources(random_undersample(table, seed, true)),
               without = sources(random_undersample(table, seed));
    CHECK(std::equal(with.begin(), with.begin() + 40, numbers_below(40).begin()));
    CHECK(std::equal(without.begin(), without.begin() + 40, numbers_below(40).begin()));
    CHECK(std::set<size_t>(without.begin(), without.end()).size() == 80);
    for (size_t i = 40; i < 80; ++i) ++drawn[(with[i] - 40) / 40], ++once[(without[i] - 40) / 40];
  }
  check_even(drawn);
  check_even(once);
  // 1000 of 1001 with replacement: some come twice.
  table.labels.assign(2001, 1);
  std::fill_n(table.labels.begin(), 1000, 0);
  const Rows with = sources(random_undersample(table, 1, true));
  CHECK(with.size() == 2000);
  CHECK(std::set<size_t>(with.begin(), with.end()).size() < 1700);
}

TEST_CASE("resample: the same seed gives the same rows, another seed others, and each class has its own stream") {
  const Table table = clouds({10, 15, 30}, 2);
  for (const Method& method : methods) {
    CAPTURE(method.name);
    const Resampled once = method.run(table, 1), again = method.run(table, 1), other = method.run(table, 2);
    CHECK(once.table.features == again.table.features);
    CHECK(once.table.labels == again.table.labels);
    CHECK((once.table.features == other.table.features) == (std::string(method.name) == "tomek_links"));
  }
  // Without class 0, class 1 gets the same copies.
  const Table less{
      {table.features.begin() + 20, table.features.end()}, 2, {table.labels.begin() + 10, table.labels.end()}};
  const Rows all = sources(random_oversample(table, 3)), fewer = sources(random_oversample(less, 3));
  for (size_t i = 0; i < 15; ++i) CHECK(all[all.size() - 15 + i] == fewer[fewer.size() - 15 + i] + 10);
  // Classes of one size draw other places.
  const Rows twins = sources(random_oversample(clouds({20, 20, 40}, 1), 3));
  size_t same = 0;
  for (size_t i = 80; i < 100; ++i) same += twins[i] + 20 == twins[i + 20];
  CHECK(same < 10);
}

TEST_CASE("resample: what cannot be resampled is said in a line") {
  const auto bad = [](const auto& run, const std::vector<std::string>& parts) {
    const std::string message = error_of(run, ErrorKind::bad_data);
    CAPTURE(message);
    for (const std::string& part : parts) CHECK(contains(message, part));
    CHECK_FALSE(contains(message, "\n"));
  };
  for (const Method& method : methods) {
    CAPTURE(method.name);
    bad([&] { return method.run({{}, 2, {}}, 1); }, {method.name, "no rows"});
    bad([&] { return method.run({{1, 2, 3}, 1, {4, 4, 4}}, 1); }, {method.name, "all 3 rows", "label 4"});
    CHECK(contains(error_of([&] { return method.run({{1, 2, 3}, 2, {0, 1}}, 1); }), "2 rows by 2 columns"));
  }
  const Table few = clouds({5, 30}, 2), one = clouds({1, 30}, 2);
  bad([&] { smote(few, 1); }, {"smote: class 0 has 5 rows", "k = 5", "need 6", "k = 4 or less", "random_oversample"});
  bad([&] { smote(one, 1); }, {"class 0 has 1 row,", "use random_oversample"});
  CHECK_FALSE(contains(error_of([&] { smote(one, 1); }, ErrorKind::bad_data), "or less"));
  bad([&] { adasyn(few, 1); }, {"adasyn: class 0 has 5 rows", "need 6"});
  bad([&] { borderline_smote(few, 1, 5, 35); }, {"borderline_smote", "35 rows", "36", "34 neighbors or fewer"});
  bad([&] { border(few, 2); }, {"no row", "label 2"});
  bad([&] { adasyn_counts(few, -1, 5); }, {"no row", "label -1"});
  CHECK(contains(error_of([&] { smote(few, 1, 0); }), "at least 1"));
  CHECK(contains(error_of([&] { smote({{}, 0, few.labels}, 1, 2); }), "no columns"));

  Table apart = clouds({20, 30}, 2);
  for (size_t f = 0; f < 40; ++f) apart.features[f] += 1000;
  bad([&] { adasyn(apart, 1); }, {"adasyn", "class 0", "use smote"});
  CHECK(border(apart, 0).danger.empty());
  CHECK(borderline_smote(apart, 1).table.features == apart.features);  // nothing in danger, nothing new
  bad([&] { adasyn(clouds({29, 30}, 1), 1); }, {"class 0 are too few, 1,", "use smote"});

  for (const double x : {std::nan(""), std::numeric_limits<double>::infinity(), -1e200}) {
    Table broken = clouds({10, 30}, 2);
    broken.features[5] = x;
    bad([&] { smote(broken, 1); }, {"row 2 column 1"});
    // Copies need no distances, and are exact.
    const Resampled copied = random_oversample(broken, 1);
    CHECK(sizes(copied.table) == Sizes{{0, 30}, {1, 30}});
    size_t seen = 0;
    for (size_t i = 0; i < copied.origins.size(); ++i) {
      if (copied.origins[i].row != 2) continue;
      const double y = copied.table.row(i)[1];
      CHECK((y == x || (std::isnan(x) && std::isnan(y))));
      ++seen;
    }
    CHECK(seen > 1);
  }
}
