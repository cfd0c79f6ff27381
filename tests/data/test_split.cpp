// Splits into parts: by class, by group, into folds; on a thousand random tables what must hold for each.
#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/random.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

std::vector<int32_t> classes(const std::vector<size_t>& counts) {
  std::vector<int32_t> labels;
  for (size_t c = 0; c < counts.size(); ++c) labels.insert(labels.end(), counts[c], static_cast<int32_t>(c));
  return labels;
}

// How many samples of each class each part has: [class][part].
std::vector<std::vector<size_t>> count(const std::vector<int32_t>& labels, const std::vector<int>& part, size_t parts) {
  std::vector<std::vector<size_t>> y(*std::max_element(labels.begin(), labels.end()) + 1, std::vector<size_t>(parts));
  for (size_t i = 0; i < labels.size(); ++i) ++y[labels[i]][part[i]];
  return y;
}

// How many samples each part has.
std::vector<size_t> sizes(const std::vector<int>& part, size_t parts) {
  std::vector<size_t> y(parts);
  for (const int p : part) ++y[static_cast<size_t>(p)];
  return y;
}

}  // namespace

TEST_CASE("split: each part gets its share of each class") {
  const std::vector<int32_t> labels = classes({1000, 30, 7, 3, 2, 1});
  const auto counts = count(labels, stratified_parts(labels, {0.8, 0.1, 0.1}, 1), 3);
  CHECK(counts ==
        std::vector<std::vector<size_t>>{{800, 100, 100}, {24, 3, 3}, {5, 1, 1}, {1, 1, 1}, {1, 1, 0}, {1, 0, 0}});
  CHECK(stratified_parts(labels, {0.8, 0.1, 0.1}, 1) == stratified_parts(labels, {0.8, 0.1, 0.1}, 1));
  CHECK(stratified_parts(labels, {0.8, 0.1, 0.1}, 1) != stratified_parts(labels, {0.8, 0.1, 0.1}, 2));
  CHECK(count(labels, k_folds(labels, 5, 3), 5)[0] == std::vector<size_t>(5, 200));
  CHECK(count(labels, k_folds(labels, 5, 3), 5)[2] == std::vector<size_t>{2, 2, 1, 1, 1});
}

TEST_CASE("split: what many small classes leave over does not go to one part") {
  const auto alike = [](size_t n) { return classes(std::vector<size_t>(100, n)); };
  CHECK(sizes(k_folds(alike(11), 10, 1), 10) == std::vector<size_t>(10, 110));
  CHECK(sizes(k_folds(alike(3), 5, 1), 5) == std::vector<size_t>(5, 60));
  CHECK(sizes(stratified_parts(alike(15), {0.8, 0.1, 0.1}, 1), 3) == std::vector<size_t>{1200, 150, 150});
  // But what is too rare for each part to have one is in the first, where it can be trained on.
  CHECK(sizes(stratified_parts(alike(1), {0.5, 0.5}, 1), 2) == std::vector<size_t>{100, 0});
  Random rng(1, Stream::test);
  for (int i = 0; i < 100; ++i) {
    std::vector<size_t> counts(1 + rng.below(30));
    for (size_t& n : counts) n = 1 + rng.below(40);
    const size_t folds = 2 + rng.below(9);
    const std::vector<int32_t> labels = classes(counts);
    if (labels.size() < folds) continue;
    const std::vector<size_t> of = sizes(k_folds(labels, static_cast<int>(folds), 1), folds);
    CHECK(*std::max_element(of.begin(), of.end()) - *std::min_element(of.begin(), of.end()) <= 1);
  }

  // The same where each sample is a group of its own.
  std::vector<std::string> own;
  for (int i = 0; i < 1100; ++i) own.push_back(std::to_string(i));
  const auto groups = [&](size_t n) { return std::vector<std::string>(own.begin(), own.begin() + std::ptrdiff_t(n)); };
  CHECK(sizes(k_folds(alike(11), 10, 1, groups(1100)), 10) == std::vector<size_t>(10, 110));
  CHECK(sizes(k_folds(alike(3), 5, 1, groups(300)), 5) == std::vector<size_t>(5, 60));
  CHECK(sizes(k_folds(alike(1), 5, 1, groups(100)), 5) == std::vector<size_t>(5, 20));
  CHECK(sizes(stratified_parts(alike(3), {0.5, 0.5}, 1, groups(300)), 2) == std::vector<size_t>{150, 150});
  CHECK(sizes(stratified_parts(alike(1), {0.5, 0.5}, 1, groups(100)), 2) == std::vector<size_t>{99, 1});
}

TEST_CASE("split: shares that add up to a little more than 1 do not ask for more samples than there are") {
  const std::vector<int32_t> labels(4'200'000);
  const std::vector<int> part = stratified_parts(labels, {0.50000049, 0.50000049}, 1);
  CHECK(std::count(part.begin(), part.end(), 0) == 2'100'000);
}

TEST_CASE("split: groups stay whole, and the parts get their shares nevertheless") {
  // 200 patients with one to nine images each, of whom every tenth is ill.
  std::vector<int32_t> labels;
  std::vector<std::string> groups;
  for (int patient = 0; patient < 200; ++patient) {
    for (int image = 0; image < 1 + patient % 9; ++image) {
      labels.push_back(patient % 10 == 0);
      groups.push_back("patient " + std::to_string(patient));
    }
  }
  const std::vector<int> part = stratified_parts(labels, {0.7, 0.15, 0.15}, 1, groups);
  const auto counts = count(labels, part, 3);
  const double shares[] = {0.7, 0.15, 0.15};
  for (const auto& of_class : counts) {
    const double all = static_cast<double>(of_class[0] + of_class[1] + of_class[2]);
    for (int p = 0; p < 3; ++p) CHECK(std::fabs(static_cast<double>(of_class[p]) / all - shares[p]) < 0.04);
  }
  CHECK(stratified_parts(labels, {0.7, 0.15, 0.15}, 1, groups) == part);
}

TEST_CASE("split: on a thousand random tables no group is split, no part empty, no sample lost") {
  for (uint64_t table = 0; table < 1000; ++table) {
    CAPTURE(table);
    Random rng(table, Stream::test);
    const size_t parts = 2 + rng.below(4), n = parts + rng.below(120), K = 1 + rng.below(6);
    std::vector<double> shares(parts);
    double sum = 0;
    for (double& share : shares) sum += share = 0.1 + rng.uniform();
    for (double& share : shares) share /= sum;
    std::vector<int32_t> labels(n);
    std::vector<std::string> groups(n);
    const uint64_t most = parts + rng.below(n);
    for (size_t i = 0; i < n; ++i) {
      labels[i] = static_cast<int32_t>(rng.below(K) * rng.below(2));  // class 0 is the most frequent
      groups[i] = std::to_string(i < parts ? i : rng.below(most));    // as many groups as parts, at least
    }
    const std::vector<int> part = stratified_parts(labels, shares, table, groups);
    std::map<std::string, std::set<int>> of_group;
    std::set<int> used;
    for (size_t i = 0; i < n; ++i) of_group[groups[i]].insert(part[i]), used.insert(part[i]);
    bool whole = true;
    for (const auto& [name, in] : of_group) whole = whole && in.size() == 1;
    CHECK(whole);
    CHECK(used.size() == parts);
    CHECK(*used.begin() == 0);
    CHECK(*used.rbegin() == static_cast<int>(parts) - 1);

    // Without groups every class is split to within one sample, or has one in each part.
    const auto counts = count(labels, stratified_parts(labels, shares, table), parts);
    for (const auto& of_class : counts) {
      size_t all = 0;
      for (const size_t k : of_class) all += k;
      for (size_t p = 0; p < parts; ++p) {
        const double exact = static_cast<double>(all) * shares[p];
        const bool near = std::fabs(static_cast<double>(of_class[p]) - exact) < 1 + 1e-6;
        const bool rare = exact < static_cast<double>(parts) || of_class[p] == 1 || all < 4 * parts;
        CHECK((near || rare));
        if (all >= parts) CHECK(of_class[p] >= 1);
      }
    }
  }
}

TEST_CASE("split: what cannot be split is an error in one line") {
  const std::vector<int32_t> labels = {0, 1, 0, 1};
  const auto invalid = ErrorKind::invalid_argument;
  CHECK(contains(error_of([&] { stratified_parts(labels, {1}, 1); }, invalid), "at least two shares"));
  CHECK(contains(error_of([&] { stratified_parts(labels, {0.5, 0.4}, 1); }, invalid), "add up to 0.9"));
  CHECK(contains(error_of([&] { stratified_parts(labels, {1.5, -0.5}, 1); }, invalid), "1.5"));
  CHECK(contains(error_of([&] { stratified_parts(labels, {0.5, 0.5}, 1, {"a"}); }, invalid), "1 groups for 4 samples"));
  CHECK(contains(error_of([&] { k_folds(labels, 1, 1); }, invalid), "at least 2"));
  CHECK(contains(error_of([&] { k_folds(labels, 5, 1); }, ErrorKind::bad_data), "4 samples"));
  CHECK(contains(error_of(
                     [&] {
                       stratified_parts(labels, {0.5, 0.5}, 1, {"a", "a", "a", "a"});
                     },
                     ErrorKind::bad_data),
                 "1 groups"));
}
