// Confusion matrices and their metrics: those of scikit-learn and imbalanced-learn, and cases made by hand.
#include <cmath>

#include "losses/metrics/confusion.h"
#include "tests/losses/metrics_golden.h"

using namespace counterpoise;

TEST_CASE("metrics golden: confusion matrices and ratios are scikit-learn's and imbalanced-learn's, at 0/0 too") {
  REQUIRE(golden()["binary"].size() >= 100);
  int undefined = 0;
  for (const Json& y : golden()["binary"]) {
    CAPTURE(y.dump());
    const Confusion c = confusion(list(y["scores"]), flags(y["actual"]), number(y["threshold"]));
    CHECK(four(c) == list(y["counts"]));
    for (const auto& [name, ratio] : ratios()) {
      CAPTURE(name);
      for (int policy = 0; policy < 3; ++policy) CHECK(same(ratio(c, kPolicies[policy]), number(y[name][policy])));
      undefined += y[name][2].is_null();
    }
    CHECK(same(c.accuracy(), number(y["accuracy"])));
    CHECK(same(c.balanced_accuracy(), number(y["balanced_accuracy"])));
    CHECK(same(c.specificity(), number(y["specificity"])));
    CHECK(same(c.g_mean(), number(y["g_mean"])));
    CHECK(same(c.mcc(), number(y["mcc"])));
    CHECK(same(c.kappa(), number(y["kappa"])));
    // The same from the matrix of two classes, in which the positive class comes last.
    const ConfusionMatrix m({{c.tn, c.fp}, {c.fn, c.tp}});
    CHECK(four(m.of(1)) == four(c));
    CHECK(same(m.accuracy(), c.accuracy()));
    CHECK(same(m.balanced_accuracy(), c.balanced_accuracy()));
    CHECK(same(m.g_mean(), c.g_mean()));
    CHECK(same(m.mcc(), c.mcc()));
    CHECK(same(m.kappa(), c.kappa()));
  }
  CHECK(undefined > 20);
}

TEST_CASE("metrics golden: many classes, each of them and averaged, are scikit-learn's and imbalanced-learn's") {
  REQUIRE(golden()["multiclass"].size() >= 80);
  const std::pair<const char*, Average> averages[] = {
      {"macro", Average::macro}, {"weighted", Average::weighted}, {"micro", Average::micro}};
  for (const Json& y : golden()["multiclass"]) {
    CAPTURE(y.dump());
    const int64_t K = y["classes"];
    const auto actual = y["actual"].get<std::vector<int32_t>>(), said = y["said"].get<std::vector<int32_t>>();
    const ConfusionMatrix m(actual, said, K);
    CHECK(m.classes() == K);
    CHECK(m.total() == static_cast<int64_t>(actual.size()));
    for (int64_t i = 0; i < K; ++i) {
      for (int64_t j = 0; j < K; ++j) CHECK(m.at(i, j) == y["matrix"][i][j]);
      CHECK(m.support(i) == std::count(actual.begin(), actual.end(), i));
      CHECK(m.of(i).total() == m.total());
      for (const auto& [name, ratio] : ratios()) {
        for (int p = 0; p < 3; ++p) CHECK(same(ratio(m.of(i), kPolicies[p]), number(y["each"][name][p][i])));
      }
      CHECK(same(m.of(i).specificity(), number(y["each"]["specificity"][i])));
    }
    CHECK(same(m.accuracy(), number(y["accuracy"])));
    CHECK(same(m.balanced_accuracy(), number(y["balanced_accuracy"])));
    CHECK(same(m.mcc(), number(y["mcc"])));
    CHECK(same(m.kappa(), number(y["kappa"])));
    CHECK(same(m.g_mean(), number(y["g_mean"])));
    CHECK(same(m.g_mean(kNaN), number(y["g_mean_of_present"])));
    for (const auto& [average, how] : averages) {
      CAPTURE(average);
      for (const auto& [name, ratio] : ratios()) {
        CAPTURE(name);
        for (int p = 0; p < 3; ++p) {
          const double zero_division = kPolicies[p];
          const auto metric = [&, of = ratio](const Confusion& c) { return of(c, zero_division); };
          CHECK(same(m.average(how, metric), number(y[average][name][p])));
        }
      }
      CHECK(
          same(m.average(how, [](const Confusion& c) { return c.specificity(); }), number(y[average]["specificity"])));
    }
  }
}

TEST_CASE("metrics: accuracy, precision, recall and F1 of the lectures' tables") {
  struct Row {
    Confusion c;
    double accuracy, precision, recall, f1;
  };
  const Row rows[] = {
      {{100, 10, 5, 50}, .90909, .90909, .95238, .93023},
      {{95, 10, 10, 50}, .87879, .90476, .90476, .90476},
      {{85, 0, 20, 60}, .87879, 1, .80952, .89474},
      {{105, 20, 0, 40}, .87879, .84, 1, .91304},
      {{100, 100, 100, 99900}, .998004, .5, .5, .5},
      {{50000, 100, 100, 50000}, .998004, .998004, .998004, .998004},
      {{821, 11, 679, 1489}, .77, .98678, .54733, .70412},
      {{0, 0, 0, 0}, 0, 0, 0, 0},        // no samples
      {{0, 0, 5, 7}, 7. / 12, 0, 0, 0},  // nothing predicted positive
      {{0, 4, 0, 6}, .6, 0, 0, 0},       // no positive samples
      {{3, 0, 0, 0}, 1, 1, 1, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.c.tp);
    CHECK(std::fabs(row.c.accuracy() - row.accuracy) < 5e-6);
    CHECK(std::fabs(row.c.precision() - row.precision) < 5e-6);
    CHECK(std::fabs(row.c.recall() - row.recall) < 5e-6);
    CHECK(std::fabs(row.c.f1() - row.f1) < 5e-6);
  }
}

TEST_CASE("metrics: predictions at a threshold are counted") {
  const List scores = {2, -1, 0, -0.1, 5, 0.4};
  const std::vector<bool> positive = {true, true, true, false, false, false};
  Confusion c = confusion(scores, positive);
  CHECK(List{double(c.tp), double(c.fp), double(c.fn), double(c.tn)} == List{2, 2, 1, 1});
  c = confusion(scores, positive, 0.5);
  CHECK(List{double(c.tp), double(c.fp), double(c.fn), double(c.tn)} == List{1, 1, 2, 2});
  CHECK(c.total() == 6);
  CHECK(contains(error_of([] { confusion({1, 2}, {true}); }), "2 scores for 1 labels"));
  c = confusion({std::nan("")}, {true});  // NaN is never predicted positive
  CHECK(c.fn == 1);
}

TEST_CASE("metrics: the human-readable table") {
  CHECK(table({100, 10, 5, 50}, "cat", "dog") ==
        "  n = 165     predicted:\n"
        "                   cat         dog\n"
        "  actual: cat      100 TP       5 FN     105\n"
        "          dog       10 FP      50 TN      60\n"
        "                   110         55        165\n");
  const std::string wide = table({821, 11, 679, 1489}, "cat", "everything else");
  // Names are as wide as their characters, not as their bytes.
  const std::string ascii = table(Confusion{100, 4, 5, 90}, "catxx", "dog");
  std::string accented = table(Confusion{100, 4, 5, 90}, "c\xc3\xa4t\xc3\xb6x", "dog");
  for (size_t at; (at = accented.find("c\xc3\xa4t\xc3\xb6x")) != std::string::npos;) accented.replace(at, 7, "catxx");
  CHECK(accented == ascii);
  for (const char* words : {"predicted:", "actual: cat", "821 TP", "679 FN", "11 FP", "1489 TN", "1500", "832", "2168",
                            "3000", "everything else"}) {
    CHECK_MESSAGE(wide.find(words) != std::string::npos, words);
  }
}

TEST_CASE("metrics: perfect and inverted predictions are at the ends of the scales") {
  const Confusion perfect{3, 0, 0, 20}, inverted{0, 20, 3, 0}, guessed{1, 5, 2, 10};
  for (const auto& metric : {&Confusion::mcc, &Confusion::kappa, &Confusion::balanced_accuracy}) {
    CHECK((perfect.*metric)() == 1);
  }
  for (int64_t K = 2; K < 9; ++K) {  // rounding never gives more than 1
    std::vector<std::vector<int64_t>> diagonal(K, std::vector<int64_t>(K));
    for (int64_t c = 0; c < K; ++c) diagonal[c][c] = 3 * c + 1;
    CHECK(ConfusionMatrix(diagonal).mcc() == 1);
    CHECK(ConfusionMatrix(diagonal).kappa() == 1);
  }
  CHECK(perfect.g_mean() == 1);
  CHECK(inverted.mcc() == -1);
  CHECK(inverted.balanced_accuracy() == 0);
  CHECK(inverted.g_mean() == 0);
  CHECK(same(inverted.kappa(), -120. / 409));  // expected agreement 2 * 3 * 20 / 23^2, actual 0
  CHECK(guessed.mcc() == 0);                   // a third of either class is predicted positive
  CHECK(guessed.kappa() == 0);
  CHECK(guessed.balanced_accuracy() == 0.5);
  CHECK(same(guessed.g_mean(), std::sqrt(2.) / 3));
}

TEST_CASE("metrics: ratios without a denominator are what zero_division says") {
  const Confusion nothing, negatives_alone{0, 0, 0, 5}, positives_alone{4, 0, 1, 0};
  for (const double zero : kPolicies) {
    CHECK(same(nothing.precision(zero), zero));
    CHECK(same(nothing.specificity(zero), zero));
    CHECK(same(nothing.f_beta(3, zero), zero));
    CHECK(same(negatives_alone.recall(zero), zero));
    CHECK(same(negatives_alone.g_mean(zero), zero));
    CHECK(same(positives_alone.specificity(zero), zero));
    CHECK(same(positives_alone.g_mean(zero), std::sqrt(0.8 * zero)));
    CHECK(positives_alone.recall(zero) == 0.8);
  }
  CHECK(nothing.mcc() == 0);
  CHECK(nothing.accuracy() == 0);
  CHECK(nothing.balanced_accuracy() == 0);
  CHECK(std::isnan(nothing.kappa()));
  CHECK(std::isnan(negatives_alone.kappa()));  // the expected agreement is 1
  CHECK(positives_alone.kappa() == 0);         // both classes are predicted
  CHECK(negatives_alone.balanced_accuracy() == 1);
  CHECK(positives_alone.balanced_accuracy() == 0.8);
}

TEST_CASE("metrics: F-beta goes from precision to recall") {
  const Confusion c{6, 2, 9, 30};
  CHECK(c.f_beta(0) == c.precision());
  CHECK(c.f_beta(kInf) == c.recall());
  CHECK(same(c.f_beta(1), c.f1()));
  CHECK(same(c.f_beta(1e6), c.recall()));
  CHECK(c.f_beta(0.5) > c.f1());
  CHECK(std::isnan(Confusion{0, 0, 3, 1}.f_beta(0, kNaN)));  // as precision
  CHECK(contains(error_of([&] { c.f_beta(-1); }), "-1"));
  CHECK(contains(error_of([&] { c.f_beta(kNaN); }), "beta"));
}

TEST_CASE("metrics: counts in the billions lose no digits") {
  const Confusion small{3, 1, 2, 4};
  const Confusion large{3000000000, 1000000000, 2000000000, 4000000000};
  CHECK(same(large.mcc(), small.mcc()));
  CHECK(same(large.mcc(), 10 / std::sqrt(600.)));
  CHECK(same(large.kappa(), small.kappa()));
  CHECK(same(large.f1(), small.f1()));
  CHECK(same(large.f_beta(2), small.f_beta(2)));
  CHECK(same(large.balanced_accuracy(), small.balanced_accuracy()));
  // With a rare class, total^2 minus the sum of squares would keep only seven digits.
  const int64_t n = 1000000000;
  const double exact = (1e9 - 1) / (2 * (1e9 + 1));
  CHECK(same(Confusion{1, 1, 1, n}.mcc(), exact));
  CHECK(same(Confusion{1, 1, 1, n}.kappa(), exact));
  CHECK(same(ConfusionMatrix({{n, 1}, {1, 1}}).mcc(), exact));
  CHECK(same(ConfusionMatrix({{1, 0, 1}, {0, 0, 0}, {1, 0, n}}).kappa(), exact));
}

TEST_CASE("metrics: averages leave out NaN, and are NaN if nothing is left") {
  const ConfusionMatrix m({{2, 2, 0}, {1, 3, 0}, {0, 0, 0}});
  const auto recall = [](double zero) { return [=](const Confusion& c) { return c.recall(zero); }; };
  CHECK(same(m.average(Average::macro, recall(0)), 1.25 / 3));
  CHECK(same(m.average(Average::macro, recall(1)), 2.25 / 3));
  CHECK(same(m.average(Average::macro, recall(kNaN)), 0.625));
  CHECK(same(m.average(Average::weighted, recall(kNaN)), m.accuracy()));
  CHECK(same(m.average(Average::micro, recall(0)), m.accuracy()));
  for (const Average how : {Average::macro, Average::weighted, Average::micro}) {
    CHECK(std::isnan(m.average(how, [](const Confusion&) { return kNaN; })));
  }
  const ConfusionMatrix nothing({}, {}, 2);
  CHECK(nothing.accuracy() == 0);
  CHECK(nothing.balanced_accuracy() == 0);
  CHECK(nothing.mcc() == 0);
  CHECK(std::isnan(nothing.kappa()));
  CHECK(m.g_mean() == 0);
  CHECK(same(m.g_mean(kNaN), std::sqrt(0.375)));
  CHECK(same(m.g_mean(1), std::cbrt(0.375)));
  // Class 1 alone is predicted, and has no samples, so the weights of the classes with a precision are all 0.
  const auto precision = [](const Confusion& c) { return c.precision(kNaN); };
  CHECK(ConfusionMatrix({{0, 3}, {0, 0}}).average(Average::weighted, precision) == 0);
}

TEST_CASE("metrics: the geometric mean of many classes does not vanish") {
  const int64_t K = 600;
  std::vector<std::vector<int64_t>> counts(K, std::vector<int64_t>(K));
  for (int64_t c = 0; c < K; ++c) {
    counts[c][c] = 1;
    counts[c][(c + 1) % K] = 9;
  }
  CHECK(same(ConfusionMatrix(counts).g_mean(), 0.1));  // 0.1^600 underflows
}

TEST_CASE("metrics: a confusion matrix of invalid classes or counts is an error") {
  CHECK(contains(error_of([] { ConfusionMatrix({0, 1}, {0}, 2); }), "1 predictions for 2 labels"));
  CHECK(contains(error_of([] { ConfusionMatrix({0, 1}, {0, 2}, 2); }), "sample 1 has class 2"));
  CHECK(contains(error_of([] { ConfusionMatrix({-1}, {0}, 2); }), "class -1"));
  CHECK(contains(error_of([] { ConfusionMatrix({}, {}, 0); }), "no classes"));
  using Rows = std::vector<std::vector<int64_t>>;
  CHECK(contains(error_of([] { ConfusionMatrix(Rows{}); }), "no classes"));
  CHECK(contains(error_of([] { ConfusionMatrix(Rows{{1, 2}, {3}}); }), "2 rows but 1 columns"));
  CHECK(contains(error_of([] { ConfusionMatrix(Rows{{-4}}); }), "-4"));
  const ConfusionMatrix m({{1, 2}, {3, 4}});
  CHECK(contains(error_of([&] { m.at(0, 2); }), "(0, 2)"));
  CHECK(contains(error_of([&] { m.support(-1); }), "-1"));
  CHECK(contains(error_of([&] { m.of(2); }), "2"));
}
