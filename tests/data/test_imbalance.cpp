// Artificial imbalance: published numbers, its limits, and what is refused.
#include "data/imbalance.h"

#include "tests/support.h"

using namespace counterpoise;

using Counts = std::vector<int64_t>;

TEST_CASE("imbalance: CIFAR-10-LT has the published numbers") {
  const Counts cifar(10, 5000);
  CHECK(imbalanced_counts("exp:100", cifar) == Counts{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50});
  CHECK(imbalanced_counts("exp:10", cifar) == Counts{5000, 3871, 2997, 2320, 1796, 1391, 1077, 834, 645, 500});
  const auto sum = [](const Counts& counts) {
    int64_t all = 0;
    for (const int64_t n : counts) all += n;
    return all;
  };
  CHECK(sum(imbalanced_counts("exp:200", cifar)) == 11203);
  CHECK(sum(imbalanced_counts("exp:50", cifar)) == 13996);
  CHECK(sum(imbalanced_counts("exp:100", Counts(100, 500))) == 10847);
  CHECK(sum(imbalanced_counts("exp:10", Counts(100, 500))) == 19573);
}

TEST_CASE("imbalance: a step, and sets that are imbalanced already") {
  CHECK(imbalanced_counts("step:10", Counts(4, 5000)) == Counts{5000, 5000, 500, 500});
  CHECK(imbalanced_counts("step:10", Counts(5, 99)) == Counts{99, 99, 99, 9, 9});
  CHECK(imbalanced_counts("exp:10", {1000, 400, 70}) == Counts{70, 22, 7});
  CHECK(imbalanced_counts("exp:11", {11000, 11000}) == Counts{11000, 1000});
  CHECK(imbalanced_counts("step:1", {7, 9}) == Counts{7, 7});
  CHECK(imbalanced_counts("none", {7, 9}) == Counts{7, 9});
  for (int factor = 1; factor <= 300; ++factor) {  // no rounding takes a sample away
    CHECK(imbalanced_counts("exp:" + std::to_string(factor), {factor * 7, factor * 7})[1] == 7);
  }
}

TEST_CASE("imbalance: what is refused") {
  for (const char* spec :
       {"", "exp", "exp:", "exp:x", "exp:0.5", "exp:-3", "long:10", "exp:inf", "exp:nan", "exp:10:2"}) {
    CAPTURE(spec);
    CHECK(contains(error_of(
                       [&] {
                         imbalanced_counts(spec, {9, 9});
                       },
                       ErrorKind::invalid_argument),
                   "is none of exp:F, step:F and none"));
  }
  CHECK(contains(error_of([] { imbalanced_counts("exp:10", {9}); }, ErrorKind::invalid_argument), "two classes"));
  const std::string none = error_of([] { imbalanced_counts("exp:100", {50, 500}); }, ErrorKind::bad_data);
  CHECK(contains(none, "has 50 samples"));
  CHECK(contains(none, "the factor is at most 50"));
}
