// Metrics, curves, thresholds and calibration: scikit-learn's and imbalanced-learn's answers in golden/metrics.json,
// which golden/make_metrics.py wrote, and cases made by hand.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "losses/metrics/calibration.h"
#include "losses/metrics/confusion.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/posthoc.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using List = std::vector<double>;
using Flags = std::vector<bool>;
using Json = nlohmann::json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
const double kPolicies[] = {0, 1, kNaN};

const Json& golden() {
  static const Json all = [] {
    std::ifstream file(source_folder() + "/tests/losses/golden/metrics.json");
    REQUIRE(file);
    return Json::parse(file);
  }();
  return all;
}

double number(const Json& x) { return x.is_null() ? kNaN : x.get<double>(); }

List list(const Json& array) {
  List y;
  for (const Json& x : array) y.push_back(number(x));
  return y;
}

Flags flags(const Json& array) {
  Flags y;
  for (const Json& x : array) y.push_back(x.get<int>() != 0);
  return y;
}

bool same(double a, double b) { return std::isnan(b) ? std::isnan(a) : std::fabs(a - b) <= 1e-12; }

bool same(const List& a, const List& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return same(x, y) || x == y; });
}

List four(const Confusion& c) { return {double(c.tp), double(c.fp), double(c.fn), double(c.tn)}; }

// The metrics that have a zero_division, by their names in the file.
const std::vector<std::pair<const char*, std::function<double(const Confusion&, double)>>>& ratios() {
  static const std::vector<std::pair<const char*, std::function<double(const Confusion&, double)>>> all = {
      {"precision", &Confusion::precision},
      {"recall", &Confusion::recall},
      {"f1", &Confusion::f1},
      {"f0.5", [](const Confusion& c, double zero) { return c.f_beta(0.5, zero); }},
      {"f2", [](const Confusion& c, double zero) { return c.f_beta(2, zero); }},
  };
  return all;
}

double metric_of(const std::string& name, const Confusion& c) {
  if (name == "f1") return c.f1();
  if (name == "balanced-accuracy") return c.balanced_accuracy();
  if (name == "g-mean") return c.g_mean();
  REQUIRE(name == "mcc");
  return c.mcc();
}

}  // namespace

TEST_CASE("metrics golden: counts and their ratios are scikit-learn's and imbalanced-learn's, at 0/0 too") {
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
    // The same of two classes' matrix, in which the positive class comes last.
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

TEST_CASE("metrics golden: curves and the areas under them are scikit-learn's, with ties and with one class") {
  int one_class = 0;
  for (const Json& y : golden()["binary"]) {
    CAPTURE(y.dump());
    const List scores = list(y["scores"]);
    const Flags positive = flags(y["actual"]);

    List columns[5];
    for (const ThresholdCounts& point : threshold_sweep(scores, positive)) {
      const Confusion& c = point.counts;
      const double row[] = {point.threshold, double(c.tp), double(c.fp), double(c.fn), double(c.tn)};
      for (int i = 0; i < 5; ++i) columns[i].push_back(row[i]);
    }
    for (int i = 0; i < 5; ++i) CHECK(columns[i] == list(y["sweep"][i]));

    RocCurve roc = roc_curve(scores, positive);
    CHECK(roc.thresholds[0] == kInf);
    roc.thresholds.erase(roc.thresholds.begin());
    CHECK(same(roc.fpr, list(y["roc"][0])));
    CHECK(same(roc.tpr, list(y["roc"][1])));
    CHECK(roc.thresholds == list(y["roc"][2]));
    const RocCurve all = roc_curve(scores, positive, false);
    CHECK(same(all.fpr, list(y["roc_all"][0])));
    CHECK(same(all.tpr, list(y["roc_all"][1])));
    CHECK(all.thresholds.size() == columns[0].size() + 1);

    const PrecisionRecallCurve pr = precision_recall_curve(scores, positive);
    CHECK(same(pr.precision, list(y["pr"][0])));
    CHECK(same(pr.recall, list(y["pr"][1])));
    CHECK(pr.thresholds == List(columns[0].rbegin(), columns[0].rend()));

    CHECK(same(roc_auc(scores, positive), number(y["roc_auc"])));
    CHECK(same(average_precision(scores, positive), number(y["average_precision"])));
    one_class += y["roc_auc"].is_null();
  }
  CHECK(one_class > 5);
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

TEST_CASE("metrics golden: log loss, Brier score and reliability are scikit-learn's; the calibration error NumPy's") {
  int probabilities = 0, clipped = 0;
  for (const Json& y : golden()["binary"]) {
    if (!y.contains("log_loss")) continue;
    CAPTURE(y.dump());
    const List p = list(y["scores"]);
    CHECK(same(log_loss(p, flags(y["actual"])), number(y["log_loss"])));
    CHECK(same(brier(p, flags(y["actual"])), number(y["brier"])));
    ++probabilities;
    for (size_t i = 0; i < p.size(); ++i) clipped += p[i] == (flags(y["actual"])[i] ? 0 : 1);
  }
  CHECK(probabilities > 80);
  CHECK(clipped > 1);
  for (const Json& y : golden()["logits"]) {
    CAPTURE(y.dump());
    const double loss = number(y["log_loss"]);
    CHECK(std::fabs(log_loss_from_logits(list(y["logits"]), flags(y["actual"])) - loss) <= 1e-12 * loss);
  }
  for (const Json& y : golden()["calibration"]) {
    for (const auto& [bins, row] : y["bins"].items()) {
      CAPTURE(bins);
      CAPTURE(row.dump());
      const List p = list(y["p"]);
      const Flags positive = flags(y["actual"]);
      List frequencies, means;
      double samples = 0;
      for (const ReliabilityBin& bin : reliability_curve(p, positive, std::stoi(bins))) {
        frequencies.push_back(bin.frequency);
        means.push_back(bin.probability);
        samples += double(bin.samples);
      }
      CHECK(same(frequencies, list(row["curve"][0])));
      CHECK(same(means, list(row["curve"][1])));
      CHECK(samples == double(p.size()));
      const CalibrationError error = calibration_error(top_label(p, positive), std::stoi(bins));
      CHECK(same(error.expected, number(row["ece"])));
      CHECK(same(error.maximum, number(row["mce"])));
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
      {{0, 0, 0, 0}, 0, 0, 0, 0},        // nothing
      {{0, 0, 5, 7}, 7. / 12, 0, 0, 0},  // nothing predicted positive
      {{0, 4, 0, 6}, .6, 0, 0, 0},       // nothing that is
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

TEST_CASE("metrics: decisions are counted") {
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

TEST_CASE("metrics: the table human-readable") {
  CHECK(table({100, 10, 5, 50}, "cat", "dog") ==
        "  n = 165     predicted:\n"
        "                   cat         dog\n"
        "  actual: cat      100 TP       5 FN     105\n"
        "          dog       10 FP      50 TN      60\n"
        "                   110         55        165\n");
  const std::string wide = table({821, 11, 679, 1489}, "cat", "everything else");
  for (const char* words : {"predicted:", "actual: cat", "821 TP", "679 FN", "11 FP", "1489 TN", "1500", "832", "2168",
                            "3000", "everything else"}) {
    CHECK_MESSAGE(wide.find(words) != std::string::npos, words);
  }
}

TEST_CASE("metrics: perfect and inverted decisions are at the ends of the scales") {
  const Confusion perfect{3, 0, 0, 20}, inverted{0, 20, 3, 0}, guessed{1, 5, 2, 10};
  for (const auto& metric : {&Confusion::mcc, &Confusion::kappa, &Confusion::balanced_accuracy}) {
    CHECK((perfect.*metric)() == 1);
  }
  for (int64_t K = 2; K < 9; ++K) {  // none is rounded to more than 1
    std::vector<std::vector<int64_t>> diagonal(K, std::vector<int64_t>(K));
    for (int64_t c = 0; c < K; ++c) diagonal[c][c] = 3 * c + 1;
    CHECK(ConfusionMatrix(diagonal).mcc() == 1);
    CHECK(ConfusionMatrix(diagonal).kappa() == 1);
  }
  CHECK(perfect.g_mean() == 1);
  CHECK(inverted.mcc() == -1);
  CHECK(inverted.balanced_accuracy() == 0);
  CHECK(inverted.g_mean() == 0);
  CHECK(same(inverted.kappa(), -120. / 409));  // chance agrees in 2 * 3 * 20 of 23^2 cases, these in none
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
  CHECK(std::isnan(negatives_alone.kappa()));  // chance agrees always
  CHECK(positives_alone.kappa() == 0);         // both classes are said
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
  // Rare: total^2 less the sum of squares would keep seven digits.
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
  // What was called class 1 has no samples of it, so the weights of the classes with a precision are all 0.
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
  CHECK(same(ConfusionMatrix(counts).g_mean(), 0.1));  // 0.1^600 is no double
}

TEST_CASE("metrics: a matrix of what it cannot be is an error") {
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

TEST_CASE("metrics: ranks that are perfect, inverted and all tied") {
  const Flags positive = {true, false, true, false, false};
  CHECK(roc_auc({2, -1, 3, 0, 1}, positive) == 1);
  CHECK(average_precision({2, -1, 3, 0, 1}, positive) == 1);
  CHECK(roc_auc({-2, 1, -3, 0, 2}, positive) == 0);
  CHECK(same(average_precision({-2, 1, -3, 0, 2}, positive), 0.5 * 1 / 4 + 0.5 * 2 / 5));
  CHECK(roc_auc({7, 7, 7, 7, 7}, positive) == 0.5);
  CHECK(average_precision({7, 7, 7, 7, 7}, positive) == 0.4);  // the positives' share
  const RocCurve tied = roc_curve({7, 7, 7, 7, 7}, positive);
  CHECK(tied.fpr == List{0, 1});
  CHECK(tied.tpr == List{0, 1});
  CHECK(tied.thresholds == List{kInf, 7});
  CHECK(roc_auc({kInf, -kInf, 0, 0, -1}, positive) == 5.5 / 6);
}

TEST_CASE("metrics: the area under the ROC curve is the part of the pairs in order") {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    List scores;
    Flags positive;
    for (int i = 0; i < 40; ++i) {
      positive.push_back(i < 4 || random() % 4 == 0);
      scores.push_back(double(random() % 12) + 3 * positive.back());
    }
    positive[39] = false;
    double above = 0, pairs = 0;
    for (size_t p = 0; p < 40; ++p) {
      for (size_t n = 0; n < 40; ++n) {
        if (!positive[p] || positive[n]) continue;
        above += scores[p] > scores[n] ? 1 : scores[p] == scores[n] ? 0.5 : 0;
        ++pairs;
      }
    }
    CHECK(same(roc_auc(scores, positive), above / pairs));
  }
}

TEST_CASE("metrics: each point of the sweep is what confusion() counts there") {
  const List scores = {0.5, -2, 0.5, 3, -2, 1, 8};
  const Flags positive = {true, false, false, true, true, false, false};
  const std::vector<ThresholdCounts> sweep = threshold_sweep(scores, positive);
  List thresholds;
  for (const ThresholdCounts& point : sweep) {
    thresholds.push_back(point.threshold);
    CHECK(four(point.counts) == four(confusion(scores, positive, point.threshold)));
  }
  CHECK(thresholds == List{8, 3, 1, 0.5, -2});
}

TEST_CASE("metrics: the best threshold is the lowest of the best, as brute force finds") {
  CHECK(tunable_metrics() == std::vector<std::string>{"f1", "balanced-accuracy", "g-mean", "mcc"});
  std::mt19937 random(3);
  int ties = 0;
  for (int round = 0; round < 200; ++round) {
    const size_t n = 1 + random() % 25;
    List scores;
    Flags positive;
    for (size_t i = 0; i < n; ++i) {
      positive.push_back(random() % 4 == 0);
      scores.push_back((double(random() % 16) - 8) / 4 + positive.back());
    }
    List distinct = scores;
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    for (const std::string& metric : tunable_metrics()) {
      CAPTURE(metric);
      double value = -2, threshold = kNaN;
      for (size_t i = 0; i < distinct.size(); ++i) {
        const double t = i ? (distinct[i - 1] + distinct[i]) / 2 : distinct[0];
        const double here = metric_of(metric, confusion(scores, positive, t));
        ties += std::fabs(here - value) < 1e-12;
        if (here <= value + 1e-12) continue;
        value = here;
        threshold = t;
      }
      const BestThreshold best = best_threshold(scores, positive, metric);
      CHECK(best.threshold == threshold);
      CHECK(same(best.value, value));
      CHECK(same(metric_of(metric, confusion(scores, positive, best.threshold)), value));
      // Nor would it be better to call nothing positive, where that is wrong for anything.
      const bool both = std::count(positive.begin(), positive.end(), true) % static_cast<int64_t>(n) != 0;
      if (both) CHECK(metric_of(metric, confusion(scores, positive, kInf)) <= value);
    }
  }
  CHECK(ties > 100);
}

TEST_CASE("metrics: the best threshold lies between scores, whatever they are") {
  const auto best = [](const List& scores, const Flags& positive) {
    return best_threshold(scores, positive, "balanced-accuracy").threshold;
  };
  const Flags low_high = {false, true};
  CHECK(best({-3, 1}, low_high) == -1);
  CHECK(best({-0x1p1023, 0x1.8p1023}, low_high) == 0x1p1021);
  CHECK(best({0x1p1023, 0x1.8p1023}, low_high) == 0x1.4p1023);
  CHECK(best({1, std::nextafter(1, 2)}, low_high) == std::nextafter(1, 2));  // no number is between
  CHECK(best({0, std::numeric_limits<double>::denorm_min()}, low_high) == std::numeric_limits<double>::denorm_min());
  CHECK(best({-kInf, 5}, low_high) == 5);
  CHECK(best({5, kInf}, low_high) == kInf);
  CHECK(best({-kInf, kInf}, low_high) == kInf);
  CHECK(best({-0.0, 0.0, 2, 4}, {false, false, true, true}) == 1);
  CHECK(best({4, 4}, low_high) == 4);  // all tied: all are predicted positive
  CHECK(best({1, -3}, low_high) == -3);
  const BestThreshold alone = best_threshold({0.25, 0.5}, {true, true}, "f1");
  CHECK(alone.threshold == 0.25);
  CHECK(alone.value == 1);
}

TEST_CASE("metrics: scores that cannot be ranked are errors") {
  const auto each = [](const List& scores, const Flags& positive) {
    std::vector<std::string> messages;
    messages.push_back(error_of([&] { threshold_sweep(scores, positive); }));
    messages.push_back(error_of([&] { roc_curve(scores, positive); }));
    messages.push_back(error_of([&] { precision_recall_curve(scores, positive); }));
    messages.push_back(error_of([&] { roc_auc(scores, positive); }));
    messages.push_back(error_of([&] { average_precision(scores, positive); }));
    messages.push_back(error_of([&] { best_threshold(scores, positive, "f1"); }));
    return messages;
  };
  for (const std::string& message : each({}, {})) CHECK(contains(message, "no samples"));
  for (const std::string& message : each({1, 2}, {true})) CHECK(contains(message, "2 scores for 1 labels"));
  for (const std::string& message : each({1, kNaN}, {true, false})) CHECK(contains(message, "sample 1 is NaN"));
  const std::string unknown = error_of([] { best_threshold({1}, {true}, "accuracy"); }, ErrorKind::invalid_argument);
  for (const char* words : {"\"accuracy\"", "f1, balanced-accuracy, g-mean, mcc"}) CHECK(contains(unknown, words));
}

TEST_CASE("metrics: the log loss of logits keeps what probabilities lose") {
  const Flags positive = {true, false, true};
  const List logits = {-2, -1, 3};
  List p;
  for (const double z : logits) p.push_back(probability(z));
  CHECK(same(log_loss_from_logits(logits, positive), log_loss(p, positive)));
  CHECK(log_loss_from_logits({-1000}, {true}) == 1000);
  CHECK(same(log_loss({0}, {true}), 52 * std::log(2.)));  // clipped
  CHECK(log_loss_from_logits({40}, {true}) == std::exp(-40));
  CHECK(log_loss_from_logits({-kInf, kInf}, {false, true}) == 0);
  CHECK(log_loss_from_logits({-kInf, kInf}, {false, false}) == kInf);
}

TEST_CASE("metrics: bins of confidence are open below and closed above") {
  // 0 is in the first bin; 0.25 ends it, 0.75 the third.
  const auto curve = reliability_curve({0, 0.25, 0.26, 0.75, 0.76, 1}, {false, true, true, false, true, true}, 4);
  REQUIRE(curve.size() == 4);
  const List samples = {2, 1, 1, 2}, means = {0.125, 0.26, 0.75, 0.88}, frequencies = {0.5, 1, 0, 1};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(double(curve[i].samples) == samples[i]);
    CHECK(same(curve[i].probability, means[i]));
    CHECK(same(curve[i].frequency, frequencies[i]));
  }
  // 12/15 is an edge however it is rounded.
  CHECK(reliability_curve({0.8, 0.79}, {true, true}, 15).size() == 1);
  CHECK(reliability_curve({0.8, 0.81}, {true, true}, 15).size() == 2);
}

TEST_CASE("metrics: the calibration error of confidences by hand") {
  // Of two classes: 0.9 and 0.1 are both said with confidence 0.9; one half speaks for the positive class.
  const TopLabel two = top_label({0.9, 0.1, 0.1, 0.5}, {true, false, true, true});
  CHECK(same(two.confidence, {0.9, 0.9, 0.9, 0.5}));
  CHECK(two.correct == Flags{true, true, false, true});
  CalibrationError error = calibration_error(two);
  CHECK(same(error.expected, 0.75 * (0.9 - 2. / 3) + 0.25 * 0.5));
  CHECK(same(error.maximum, 0.5));
  error = calibration_error(two, 1);  // mean confidence 0.8, and 3 of 4 correct
  CHECK(same(error.expected, 0.05));
  CHECK(same(error.maximum, 0.05));

  const TopLabel three = top_label({{0.2, 0.7, 0.1}, {0.4, 0.2, 0.4}, {0.1, 0.2, 0.7}}, {1, 2, 0});
  CHECK(three.confidence == List{0.7, 0.4, 0.7});
  CHECK(three.correct == Flags{true, false, false});  // the first of two equals
  error = calibration_error(three, 15);
  CHECK(same(error.expected, (2 * 0.2 + 0.4) / 3));
  CHECK(same(error.maximum, 0.4));
  CHECK(calibration_error(top_label({1, 0, 1}, {true, false, true})).expected == 0);
}

TEST_CASE("metrics: numbers that are no probabilities are errors") {
  const auto each = [](const List& p, const Flags& positive) {
    std::vector<std::string> messages;
    messages.push_back(error_of([&] { log_loss(p, positive); }));
    messages.push_back(error_of([&] { brier(p, positive); }));
    messages.push_back(error_of([&] { reliability_curve(p, positive); }));
    messages.push_back(error_of([&] { top_label(p, positive); }));
    return messages;
  };
  for (const std::string& message : each({}, {})) CHECK(contains(message, "no samples"));
  for (const std::string& message : each({0.5}, {true, false}))
    CHECK(contains(message, "1 probabilities for 2 labels"));
  for (const std::string& message : each({1, 1.5}, {true, true})) CHECK(contains(message, "sample 1 is 1.5"));
  for (const std::string& message : each({-0.5}, {true})) CHECK(contains(message, "-0.5"));
  for (const std::string& message : each({kNaN}, {true})) CHECK(contains(message, "nan"));
  CHECK(contains(error_of([] { reliability_curve({0.5}, {true}, 0); }), "bins is 0"));
  CHECK(contains(error_of([] { log_loss_from_logits({}, {}); }), "0 logits"));
  CHECK(contains(error_of([] { log_loss_from_logits({1, 2}, {true}); }), "2 logits for 1 labels"));
  CHECK(contains(error_of([] { log_loss_from_logits({kNaN}, {true}); }), "NaN"));
  CHECK(contains(error_of([] { top_label(std::vector<List>{{0.5, 0.5}}, {2}); }), "class 2"));
  CHECK(contains(error_of([] { top_label(std::vector<List>{{0.5, 0.5}}, {0, 1}); }), "1 rows"));
  CHECK(contains(error_of([] { top_label(std::vector<List>{{0.5, 1.5}}, {0}); }), "1.5"));
}
