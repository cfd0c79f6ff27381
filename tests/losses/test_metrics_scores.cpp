// Metrics of the scores of K classes, groups of classes, and metrics at another prevalence: values of scikit-learn, and
// cases made by hand.
#include <cmath>

#include "losses/metrics/calibration.h"
#include "losses/metrics/classification_report.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/multiclass_scores.h"
#include "losses/metrics/posthoc.h"
#include "tests/losses/metrics_golden.h"

using namespace counterpoise;

TEST_CASE("metrics golden: scores of K classes are scikit-learn's, with ties and with classes without samples") {
  int missing = 0, top_k = 0, brier_scores = 0;
  for (const Json& y : golden_scores()["multiclass"]) {
    CAPTURE(y.dump());
    const List logits = list(y["logits"]);
    const std::vector<int32_t> labels = y["labels"];
    const int64_t K = y["classes"];
    const List p = softmax(logits, K);
    CHECK(same(p, list(y["softmax"])));
    const std::pair<const char*, ClassMetric> metrics[] = {
        {"average_precision", one_vs_rest_average_precision(logits, labels, K)},
        {"roc_auc", one_vs_rest_roc_auc(logits, labels, K)}};
    for (const auto& [name, metric] : metrics) {
      CAPTURE(name);
      CHECK(same(metric.each, list(y[name]["each"])));
      CHECK(same(metric.macro, number(y[name]["macro"])));
      CHECK(same(metric.weighted, number(y[name]["weighted"])));
      for (const double value : metric.each) missing += std::isnan(value);
    }
    const double loss = number(y["log_loss"]);
    CHECK(std::fabs(log_loss_from_logits(logits, labels, K) - loss) <= 1e-12 * std::max(loss, 1.0));
    if (y.contains("brier")) {
      CHECK(same(brier(p, labels, K), number(y["brier"])));
      ++brier_scores;
    }
    if (y.contains("top_k")) {
      for (int64_t k = 1; k <= K; ++k)
        CHECK(same(top_k_accuracy(logits, labels, K, k), number(y["top_k"][size_t(k) - 1])));
      ++top_k;
    }
  }
  CHECK(missing > 10);
  CHECK(top_k > 20);
  CHECK(brier_scores > 20);
}

TEST_CASE("metrics: with two classes, scores of K classes are those of one logit") {
  const List z = {0.5, -2, 3, 0.25, -40, 0.5};
  const Flags positive = {true, false, true, false, false, false};
  List two;
  std::vector<int32_t> labels;
  List p, rows;
  for (size_t i = 0; i < z.size(); ++i) {
    two.insert(two.end(), {0, z[i]});
    labels.push_back(positive[i]);
    p.push_back(probability(z[i]));
    rows.insert(rows.end(), {1 - p.back(), p.back()});
  }
  CHECK(same(softmax(two, 2), rows));
  CHECK(one_vs_rest_roc_auc(two, labels, 2).each[1] == roc_auc(z, positive));
  CHECK(one_vs_rest_average_precision(two, labels, 2).each[1] == average_precision(z, positive));
  CHECK(same(log_loss_from_logits(two, labels, 2), log_loss_from_logits(z, positive)));
  CHECK(same(brier(rows, labels, 2), 2 * brier(p, positive)));
}

TEST_CASE("metrics: losses of sure samples are not rounded to 0, and infinite logits have limits") {
  CHECK(std::fabs(log_loss_from_logits({50, 0, 0}, {0}, 3) / (2 * std::exp(-50)) - 1) < 1e-12);
  CHECK(log_loss_from_logits({1e4, 0, 0}, {1}, 3) == 1e4);
  CHECK(log_loss_from_logits({kInf, 0, 0}, {1}, 3) == kInf);
  CHECK(log_loss_from_logits({kInf, 0, 0}, {0}, 3) == 0);
  CHECK(same(log_loss_from_logits({-kInf, -kInf}, {0}, 2), std::log(2)));
  CHECK(softmax({kInf, 0, kInf, -kInf}, 4) == List{0.5, 0, 0.5, 0});
}

TEST_CASE("metrics: top-1 accuracy is that of the predictions, with ties") {
  const List scores = {1, 1, 0, 2, 2, 2, 0, 3, 3};
  const std::vector<int32_t> labels = {1, 0, 1};
  CHECK(same(top_k_accuracy(scores, labels, 3, 1), 2. / 3));
  CHECK(top_k_accuracy(scores, labels, 3, 2) == 1);
  CHECK(top_k_accuracy(scores, labels, 3, 9) == 1);
}

TEST_CASE("metrics: scores of K classes that do not fit are errors") {
  const auto each = [](const List& scores, const std::vector<int32_t>& labels, int64_t K) {
    return std::vector<std::string>{error_of([&] { one_vs_rest_average_precision(scores, labels, K); }),
                                    error_of([&] { one_vs_rest_roc_auc(scores, labels, K); }),
                                    error_of([&] { top_k_accuracy(scores, labels, K, 1); }),
                                    error_of([&] { log_loss_from_logits(scores, labels, K); }),
                                    error_of([&] { brier(scores, labels, K); })};
  };
  for (const std::string& message : each({}, {}, 2)) CHECK(contains(message, "no samples"));
  for (const std::string& message : each({1, 0}, {0}, 0)) CHECK(contains(message, "no classes"));
  for (const std::string& message : each({1, 0, 1}, {0}, 2)) CHECK(contains(message, "not a multiple of 2"));
  for (const std::string& message : each({1, 0}, {0, 1}, 2)) CHECK(contains(message, "1 samples for 2 labels"));
  for (const std::string& message : each({1, 0}, {2}, 2)) CHECK(contains(message, "class 2 but there are 2"));
  for (const std::string& message : each({1, 0, 1, kNaN}, {0, 0}, 2)) CHECK(contains(message, "sample 1 for class 1"));
  CHECK(contains(error_of([] { brier({1.5, 0}, {0}, 2); }), "1.5"));
  CHECK(contains(error_of([] { top_k_accuracy({1, 0}, {0}, 2, 0); }), "k is 0"));
  CHECK(contains(error_of([] { softmax({1, kNaN}, 2); }), "NaN"));
}

TEST_CASE("metrics: accuracies of many-, medium- and few-shot classes") {
  CHECK(shot_group(101) == Shot::many);
  CHECK(shot_group(100) == Shot::medium);
  CHECK(shot_group(20) == Shot::medium);
  CHECK(shot_group(19) == Shot::few);
  CHECK(shot_group(0) == Shot::few);
  // Recalls 0.9, 0.5, 0.25, and none for the last class. The mean is over classes, not over samples.
  const ConfusionMatrix m({{9, 1, 0, 0}, {1, 1, 0, 0}, {0, 3, 1, 0}, {0, 0, 0, 0}});
  const ShotAccuracy all = shot_accuracy(m, {500, 101, 19, 3});
  CHECK(same(all.many, 0.7));
  CHECK(std::isnan(all.medium));
  CHECK(all.few == 0.25);
  CHECK(shot_accuracy(m, {500, 100, 20, 3}).medium == 0.375);
  CHECK(contains(error_of([&] { shot_accuracy(m, {500, 100, 20}); }), "3 numbers"));
  CHECK(contains(error_of([&] { shot_accuracy(m, {500, 100, 20, -1}); }), "class 3"));
}

TEST_CASE("metrics golden: metrics at another prevalence are scikit-learn's of weighted samples") {
  for (const Json& y : golden_scores()["prevalence"]) {
    CAPTURE(y.dump());
    const auto counts = y["counts"].get<std::vector<int64_t>>();
    const Confusion c = {counts[0], counts[1], counts[2], counts[3]};
    const AtPrevalence at = at_prevalence(c, y["share"]);
    CHECK(same(at.precision, number(y["precision"])));
    CHECK(same(at.f1, number(y["f1"])));
    CHECK(same(at.accuracy, number(y["accuracy"])));
  }
}

TEST_CASE("metrics: at the prevalence of the samples themselves nothing changes; a missing class makes NaN") {
  const Confusion c = {30, 5, 10, 155};
  CHECK(same(at_prevalence(c, 0.2).precision, c.precision()));
  CHECK(same(at_prevalence(c, 0.2).f1, c.f1()));
  CHECK(same(at_prevalence(c, 0.2).accuracy, c.accuracy()));
  CHECK(at_prevalence(c, 0).precision == 0);
  CHECK(at_prevalence(c, 1).precision == 1);
  CHECK(at_prevalence({0, 0, 5, 5}, 0.1).precision == 0);
  CHECK(std::isnan(at_prevalence({0, 0, 5, 5}, 0.1, kNaN).precision));
  CHECK(at_prevalence({0, 0, 5, 5}, 0.1).accuracy == 0.9);
  CHECK(std::isnan(at_prevalence({5, 0, 5, 0}, 0.1).accuracy));
  CHECK(std::isnan(at_prevalence({0, 5, 0, 5}, 0.1).f1));
  CHECK(contains(error_of([&] { at_prevalence(c, 1.5); }), "1.5"));
  CHECK(contains(error_of([&] { at_prevalence(c, kNaN); }), "nan"));
}
