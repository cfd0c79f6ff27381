// Bootstrap intervals: recomputed from whole resamples, SciPy's, and how often they contain the true value.
#include <cmath>
#include <map>

#include "core/random.h"
#include "losses/metrics/bootstrap.h"
#include "losses/metrics/curves.h"
#include "tests/losses/metrics_golden.h"

using namespace counterpoise;

namespace {

std::map<std::string, std::pair<double, double>> by_name(const std::vector<MetricInterval>& intervals) {
  std::map<std::string, std::pair<double, double>> y;
  for (const MetricInterval& interval : intervals) y[interval.metric] = {interval.low, interval.high};
  return y;
}

// Samples whose scores are normal, with mean 1.5 for positive ones and 0 for others, rounded so that there are ties.
void generate(uint64_t seed, size_t n, double share, List& scores, Flags& positive) {
  Random random(seed, Stream::test);
  scores.clear(), positive.clear();
  for (size_t i = 0; i < n; ++i) {
    positive.push_back(random.uniform() < share);
    scores.push_back(std::round(100 * (random.normal() + (positive[i] ? 1.5 : 0))) / 100);
  }
}

double quantile(List sorted, double q) {
  std::sort(sorted.begin(), sorted.end());
  const double place = q * double(sorted.size() - 1);
  const size_t i = std::min(size_t(place), sorted.size() - 2);
  return sorted[i] + (place - double(i)) * (sorted[i + 1] - sorted[i]);
}

// The area above x of the standard normal distribution.
double tail(double x) { return std::erfc(x / std::sqrt(2)) / 2; }

}  // namespace

TEST_CASE("metrics: bootstrap intervals are percentiles of the metrics of whole resamples") {
  for (const double level : {0.95, 0.5}) {
    List scores;
    Flags positive;
    generate(3, 40, 0.05, scores, positive);  // some resamples have no positive samples
    BootstrapOptions options;
    options.resamples = 200, options.seed = 9, options.level = level;
    std::vector<std::pair<double, bool>> ranked;  // the library numbers the samples in this order
    for (size_t i = 0; i < 40; ++i) ranked.emplace_back(-scores[i], !positive[i]);
    std::sort(ranked.begin(), ranked.end());
    std::map<std::string, List> values;
    for (uint64_t r = 0; r < 200; ++r) {
      Random random(9, Stream::bootstrap, r);
      List s;
      Flags p;
      for (size_t i = 0; i < 40; ++i) {
        const uint64_t chosen = random.below(40);
        s.push_back(-ranked[chosen].first), p.push_back(!ranked[chosen].second);
      }
      const Confusion c = confusion(s, p, 1);
      const bool any = c.tp + c.fn > 0;
      const std::pair<const char*, double> row[] = {{"accuracy", c.accuracy()},
                                                    {"precision", c.precision(kNaN)},
                                                    {"recall", c.recall(kNaN)},
                                                    {"f1", c.f1(kNaN)},
                                                    {"balanced_accuracy", any ? c.balanced_accuracy() : kNaN},
                                                    {"average_precision", any ? average_precision(s, p) : kNaN},
                                                    {"roc_auc", roc_auc(s, p)}};
      for (const auto& [name, value] : row) {
        if (!std::isnan(value)) values[name].push_back(value);
      }
    }
    CHECK(values["recall"].size() < 200);
    const std::vector<MetricInterval> intervals = bootstrap_intervals(scores, positive, 1, options);
    CHECK(intervals.size() == 7);
    for (const MetricInterval& interval : intervals) {
      CAPTURE(interval.metric);
      CHECK(same(interval.low, quantile(values[interval.metric], (1 - level) / 2)));
      CHECK(same(interval.high, quantile(values[interval.metric], (1 + level) / 2)));
    }
  }
}

TEST_CASE("metrics golden: bootstrap intervals are SciPy's within the error of their random numbers") {
  const Json& two = golden_scores()["bootstrap"][0];
  const Json& four = golden_scores()["bootstrap"][1];
  BootstrapOptions options;
  options.resamples = 4000;
  const auto check = [](const std::vector<MetricInterval>& ours, const Json& theirs) {
    CHECK(ours.size() == theirs.size());
    for (const MetricInterval& interval : ours) {
      CAPTURE(interval.metric);
      CHECK(std::fabs(interval.low - number(theirs[interval.metric][0])) < 0.006);
      CHECK(std::fabs(interval.high - number(theirs[interval.metric][1])) < 0.006);
    }
  };
  check(bootstrap_intervals(list(two["scores"]), flags(two["actual"]), 0, options), two["intervals"]);
  check(multiclass_bootstrap_intervals(four["actual"].get<std::vector<int32_t>>(),
                                       four["scores"].get<std::vector<int32_t>>(), 4, options),
        four["intervals"]);
}

TEST_CASE("metrics: 95 % bootstrap intervals contain the true value in 90 to 98 of 100 data sets" * slow()) {
  // The true values of the normal distributions at the threshold 1, which rounding makes 0.995, positives being 0.3 of
  // the samples.
  const double share = 0.3, recall = tail(0.995 - 1.5), fpr = tail(0.995);
  const double precision = share * recall / (share * recall + (1 - share) * fpr);
  double average_precision = 0;
  for (double t = 8; t > -6; t -= 0.001) {
    const double tp = share * tail(t - 1.5), fp = (1 - share) * tail(t);
    average_precision += tp / (tp + fp) * (tail(t - 1.5) - tail(t + 0.001 - 1.5));
  }
  const std::map<std::string, double> truth = {{"accuracy", share * recall + (1 - share) * (1 - fpr)},
                                               {"precision", precision},
                                               {"recall", recall},
                                               {"f1", 2 * precision * recall / (precision + recall)},
                                               {"balanced_accuracy", (recall + 1 - fpr) / 2},
                                               {"average_precision", average_precision},
                                               {"roc_auc", 1 - tail(1.5 / std::sqrt(2))}};
  const int sets = 400;
  std::map<std::string, int> covered;
  List scores;
  Flags positive;
  BootstrapOptions options;
  options.resamples = 300;
  for (int set = 0; set < sets; ++set) {
    generate(1000 + uint64_t(set), 150, share, scores, positive);
    options.seed = uint64_t(set);
    for (const auto& [name, interval] : by_name(bootstrap_intervals(scores, positive, 1, options))) {
      covered[name] += interval.first <= truth.at(name) && truth.at(name) <= interval.second;
    }
  }
  CHECK(covered.size() == truth.size());
  for (const auto& [name, times] : covered) {
    CAPTURE(name);
    CAPTURE(times);
    CHECK(times >= sets * 90 / 100);
    CHECK(times <= sets * 98 / 100);
  }
}

TEST_CASE(
    "metrics: bootstrap intervals depend on the seed alone, are narrower for more samples, and are NaN if undefined") {
  List scores;
  Flags positive;
  generate(1, 3000, 0.1, scores, positive);
  const auto large = by_name(bootstrap_intervals(scores, positive, 1));
  CHECK(large == by_name(bootstrap_intervals(scores, positive, 1)));
  CHECK(large ==
        by_name(bootstrap_intervals({scores.rbegin(), scores.rend()}, {positive.rbegin(), positive.rend()}, 1)));
  BootstrapOptions other;
  other.seed = 1;
  CHECK(large != by_name(bootstrap_intervals(scores, positive, 1, other)));
  const auto small = by_name(
      bootstrap_intervals({scores.begin(), scores.begin() + 300}, {positive.begin(), positive.begin() + 300}, 1));
  for (const auto& [name, interval] : large) {
    CHECK(interval.first < interval.second);
    CHECK(interval.second - interval.first < small.at(name).second - small.at(name).first);
  }

  const auto negatives = by_name(bootstrap_intervals({1, 2}, {false, false}, 5));
  CHECK(negatives.at("accuracy") == std::pair(1., 1.));
  for (const char* name : {"precision", "recall", "f1", "balanced_accuracy", "average_precision", "roc_auc"}) {
    CHECK(std::isnan(negatives.at(name).first));
    CHECK(std::isnan(negatives.at(name).second));
  }
  const auto perfect = by_name(multiclass_bootstrap_intervals({0, 1, 2, 1}, {0, 1, 2, 1}, 3));
  for (const auto& [name, interval] : perfect) CHECK(interval == std::pair(1., 1.));
}

TEST_CASE("metrics: Wilson's interval of a share") {
  const auto [low, high] = wilson_interval(0.7, 20);  // scipy: binomtest(14, 20).proportion_ci(method="wilson")
  CHECK(low == doctest::Approx(0.48102711).epsilon(1e-7));
  CHECK(high == doctest::Approx(0.85452276).epsilon(1e-7));
  CHECK(wilson_interval(0, 40).first == 0);
  CHECK(wilson_interval(0, 40).second == doctest::Approx(0.0876216).epsilon(1e-5));
  CHECK(wilson_interval(1, 40).first == doctest::Approx(1 - 0.0876216).epsilon(1e-5));
  CHECK(wilson_interval(1, 40).second == 1);
  CHECK(std::isnan(wilson_interval(kNaN, 40).first));
  CHECK(std::isnan(wilson_interval(0, 0).second));
}

TEST_CASE("metrics: bootstraps that are impossible are errors") {
  CHECK(contains(error_of([] { bootstrap_intervals(List{}, Flags{}, 0); }), "no samples"));
  CHECK(contains(error_of([] { bootstrap_intervals({1, 2}, {true}, 0); }), "2 scores for 1 labels"));
  CHECK(contains(error_of([] { bootstrap_intervals({1, kNaN}, {true, false}, 0); }), "sample 1 is NaN"));
  CHECK(contains(error_of([] { bootstrap_intervals({1, 2}, {true, false}, kNaN); }), "threshold"));
  CHECK(contains(error_of([] { multiclass_bootstrap_intervals(std::vector<int32_t>{}, {}, 2); }), "no samples"));
  CHECK(contains(error_of([] { multiclass_bootstrap_intervals({0, 1}, {0, 2}, 2); }), "class 2"));
  const auto with = [](int64_t resamples, double level) {
    return error_of([&] { bootstrap_intervals({1.}, {true}, 0, {resamples, level, 0}); }, ErrorKind::invalid_argument);
  };
  CHECK(contains(with(0, 0.95), "resamples is 0"));
  CHECK(contains(with(10, 1), "level is 1"));
}
