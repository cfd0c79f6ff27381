// ROC and precision-recall curves and thresholds: those of scikit-learn, and cases made by hand.
#include <algorithm>
#include <cmath>
#include <random>

#include "losses/metrics/curves.h"
#include "tests/losses/metrics_golden.h"

using namespace counterpoise;

namespace {

double metric_of(const std::string& name, const Confusion& c) {
  if (name == "f1") return c.f1();
  if (name == "balanced-accuracy") return c.balanced_accuracy();
  if (name == "g-mean") return c.g_mean();
  REQUIRE(name == "mcc");
  return c.mcc();
}

}  // namespace

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

TEST_CASE("metrics: rankings that are perfect, inverted and all tied") {
  const Flags positive = {true, false, true, false, false};
  CHECK(roc_auc({2, -1, 3, 0, 1}, positive) == 1);
  CHECK(average_precision({2, -1, 3, 0, 1}, positive) == 1);
  CHECK(roc_auc({-2, 1, -3, 0, 2}, positive) == 0);
  CHECK(same(average_precision({-2, 1, -3, 0, 2}, positive), 0.5 * 1 / 4 + 0.5 * 2 / 5));
  CHECK(roc_auc({7, 7, 7, 7, 7}, positive) == 0.5);
  CHECK(average_precision({7, 7, 7, 7, 7}, positive) == 0.4);  // the share of positives
  const RocCurve tied = roc_curve({7, 7, 7, 7, 7}, positive);
  CHECK(tied.fpr == List{0, 1});
  CHECK(tied.tpr == List{0, 1});
  CHECK(tied.thresholds == List{kInf, 7});
  CHECK(roc_auc({kInf, -kInf, 0, 0, -1}, positive) == 5.5 / 6);
}

TEST_CASE("metrics: the area under the ROC curve is the fraction of pairs in the right order") {
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
      // Predicting nothing positive would not be better, if there are samples of both classes.
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
  CHECK(best({1, std::nextafter(1, 2)}, low_high) == std::nextafter(1, 2));  // no double lies between
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
