#include "losses/metrics/curves.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/error.h"

namespace counterpoise {

namespace {

struct Metric {
  std::string name;
  double (*of)(const Confusion&);
};

const Metric tunable[] = {
    {"f1", [](const Confusion& c) { return c.f1(); }},
    {"balanced-accuracy", [](const Confusion& c) { return c.balanced_accuracy(); }},
    {"g-mean", [](const Confusion& c) { return c.g_mean(); }},
    {"mcc", [](const Confusion& c) { return c.mcc(); }},
};

// A threshold t with low < t <= high.
double between(double low, double high) {
  const double t = low / 2 + high / 2;  // low + high may overflow
  return low < t && t < high ? t : high;
}

}  // namespace

std::vector<ThresholdCounts> threshold_sweep(const std::vector<double>& scores, const std::vector<bool>& is_positive) {
  CP_ENSURE(scores.size() == is_positive.size(), "threshold sweep: ", scores.size(), " scores for ", is_positive.size(),
            " labels");
  CP_ENSURE(!scores.empty(), "threshold sweep: there are no samples");
  const size_t nan =
      std::find_if(scores.begin(), scores.end(), [](double s) { return std::isnan(s); }) - scores.begin();
  CP_ENSURE(nan == scores.size(), "threshold sweep: the score of sample ", nan, " is NaN");

  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  Confusion counts;
  counts.fn = std::count(is_positive.begin(), is_positive.end(), true);
  counts.tn = static_cast<int64_t>(scores.size()) - counts.fn;
  std::vector<ThresholdCounts> sweep;
  for (size_t i = 0; i < order.size(); ++i) {
    const bool positive = is_positive[order[i]];
    ++(positive ? counts.tp : counts.fp);
    --(positive ? counts.fn : counts.tn);
    const double score = scores[order[i]];
    if (i + 1 == order.size() || scores[order[i + 1]] != score) sweep.push_back({score, counts});
  }
  return sweep;
}

RocCurve roc_curve(const std::vector<double>& scores, const std::vector<bool>& is_positive, bool drop_intermediate) {
  const std::vector<ThresholdCounts> sweep = threshold_sweep(scores, is_positive);
  const Confusion& all = sweep.back().counts;
  RocCurve curve;
  const auto add = [&](double threshold, const Confusion& c) {
    curve.thresholds.push_back(threshold);
    // 0 / 0 is NaN.
    curve.fpr.push_back(static_cast<double>(c.fp) / static_cast<double>(all.fp));
    curve.tpr.push_back(static_cast<double>(c.tp) / static_cast<double>(all.tp));
  };
  add(std::numeric_limits<double>::infinity(), {0, 0, all.tp, all.fp});
  for (size_t i = 0; i < sweep.size(); ++i) {
    if (drop_intermediate && 0 < i && i + 1 < sweep.size()) {
      const Confusion &a = sweep[i - 1].counts, &b = sweep[i].counts, &c = sweep[i + 1].counts;
      if (b.tp - a.tp == c.tp - b.tp && b.fp - a.fp == c.fp - b.fp) continue;
    }
    add(sweep[i].threshold, sweep[i].counts);
  }
  return curve;
}

double roc_auc(const std::vector<double>& scores, const std::vector<bool>& is_positive) {
  const std::vector<ThresholdCounts> sweep = threshold_sweep(scores, is_positive);
  // Twice the number of pairs in which the positive sample has the higher score; a tie counts one.
  double pairs = 0;
  Confusion before;
  for (const ThresholdCounts& now : sweep) {
    const Confusion& c = now.counts;
    pairs += static_cast<double>(c.fp - before.fp) * static_cast<double>(before.tp + c.tp);
    before = c;
  }
  const double all = static_cast<double>(before.tp) * static_cast<double>(before.fp);
  return pairs / (2 * all);  // 0 / 0 is NaN
}

PrecisionRecallCurve precision_recall_curve(const std::vector<double>& scores, const std::vector<bool>& is_positive) {
  std::vector<ThresholdCounts> sweep = threshold_sweep(scores, is_positive);
  std::reverse(sweep.begin(), sweep.end());
  PrecisionRecallCurve curve;
  for (const ThresholdCounts& point : sweep) {
    curve.precision.push_back(point.counts.precision());
    curve.recall.push_back(point.counts.recall(1));
    curve.thresholds.push_back(point.threshold);
  }
  curve.precision.push_back(1);
  curve.recall.push_back(0);
  return curve;
}

double average_precision(const std::vector<double>& scores, const std::vector<bool>& is_positive) {
  double sum = 0, found = 0;
  for (const ThresholdCounts& point : threshold_sweep(scores, is_positive)) {
    const double recall = point.counts.recall();
    sum += (recall - found) * point.counts.precision();
    found = recall;
  }
  return sum;
}

const std::vector<std::string>& tunable_metrics() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Metric& metric : tunable) all.push_back(metric.name);
    return all;
  }();
  return names;
}

BestThreshold best_threshold(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                             const std::string& metric) {
  const auto* row =
      std::find_if(std::begin(tunable), std::end(tunable), [&](const Metric& m) { return m.name == metric; });
  CP_ENSURE_AS(invalid_argument, row != std::end(tunable), "no threshold can be chosen for the metric \"", metric,
               "\"; valid are ", detail::join(tunable_metrics()));
  const std::vector<ThresholdCounts> sweep = threshold_sweep(scores, is_positive);
  size_t best = sweep.size() - 1;
  double value = row->of(sweep[best].counts);
  for (size_t i = best; i-- > 0;) {
    const double here = row->of(sweep[i].counts);
    // Equal fractions may be rounded differently; the choice of a threshold must not depend on that.
    if (here > value + 1e-12) {
      best = i;
      value = here;
    }
  }
  const double high = sweep[best].threshold;
  return {best + 1 < sweep.size() ? between(sweep[best + 1].threshold, high) : high, value};
}

}  // namespace counterpoise
