// Predictions from logits, and the classification report: scikit-learn's text.
#include <limits>

#include "losses/metrics/classification_report.h"
#include "tests/backends.h"
#include "tests/losses/metrics_golden.h"

using namespace counterpoise;

TEST_CASE("metrics golden: the classification report is scikit-learn's, character for character") {
  REQUIRE(golden()["reports"].size() >= 19);
  for (const Json& y : golden()["reports"]) {
    const auto actual = y["actual"].get<std::vector<int32_t>>(), said = y["said"].get<std::vector<int32_t>>();
    CHECK(classification_report(actual, said, y["names"].get<std::vector<std::string>>(), y["digits"]) == y["text"]);
  }
}

TEST_CASE("metrics: a report of no samples or of unknown classes is an error") {
  CHECK(contains(error_of([] { classification_report({}, {}); }), "no samples"));
  CHECK(contains(error_of([] { classification_report({0, 1}, {0}); }), "1 predictions for 2 labels"));
  CHECK(contains(error_of([] { classification_report({0, 2}, {0, 1}, {"cat", "dog"}); }), "sample 1 has class 2"));
  CHECK(contains(error_of([] { classification_report({-1, 0}, {0, 0}); }), "class -1"));
  CHECK(contains(error_of([] { classification_report({0}, {0}, {}, -1); }), "-1"));
}

TEST_CASE("metrics: predictions from one logit and from a logit per class") {
  using Classes = std::vector<int32_t>;
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    for (const DType dtype : {DType::f32, DType::f64}) {
      const auto logits = [&](const Shape& shape, const List& z) { return Var(Tensor::from(b, shape, z).cast(dtype)); };
      CHECK(predict(logits({4}, {-1, 0, 0.5, kNaN})) == Classes{0, 1, 1, 0});
      CHECK(predict(logits({3, 1}, {-1, 0, 0.5})) == Classes{0, 1, 1});
      CHECK(predict(logits({3}, {-1, 0, 0.5}), 0.25) == Classes{0, 0, 1});
      CHECK(predict(logits({3, 3}, {-1, -3, -2, 1, 2, 2, kInf, 0, 5})) == Classes{0, 1, 0});
      CHECK(predict(logits({2, 2}, {3, 4, 4, 3})) == Classes{1, 0});
      CHECK(predict(logits({0, 2}, {})).empty());
      CHECK(contains(error_of([&] { predict(logits({1, 2, 2}, {1, 2, 3, 4})); }), "[1, 2, 2]"));
      CHECK(contains(error_of([&] { predict(logits({}, {1})); }), "[N]"));
    }
  }
}
