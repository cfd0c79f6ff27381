#include "losses/metrics/curves.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/table.h"
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

}  // namespace

SortedScores::SortedScores(const std::vector<double>& scores, const std::vector<bool>& is_positive) {
  CP_ENSURE(scores.size() == is_positive.size(), "threshold sweep: ", scores.size(), " scores for ", is_positive.size(),
            " labels");
  CP_ENSURE(!scores.empty(), "threshold sweep: there are no samples");
  const auto positives = static_cast<size_t>(std::count(is_positive.begin(), is_positive.end(), true));
  positive_.reserve(positives);
  negative_.reserve(scores.size() - positives);
  for (size_t i = 0; i < scores.size(); ++i) {
    CP_ENSURE(!std::isnan(scores[i]), "threshold sweep: the score of sample ", i, " is NaN");
    (is_positive[i] ? positive_ : negative_).push_back(scores[i]);
  }
  std::sort(positive_.begin(), positive_.end());
  std::sort(negative_.begin(), negative_.end());
}

std::vector<ThresholdCounts> threshold_sweep(const std::vector<double>& scores, const std::vector<bool>& is_positive) {
  std::vector<ThresholdCounts> sweep;
  SortedScores(scores, is_positive).descend([&](double threshold, const Confusion& counts) {
    sweep.push_back({threshold, counts});
  });
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

double roc_auc(const SortedScores& scores) {
  // Twice the number of pairs in which the positive sample has the higher score; a tie counts one.
  double pairs = 0;
  Confusion before;
  scores.descend([&](double, const Confusion& c) {
    pairs += static_cast<double>(c.fp - before.fp) * static_cast<double>(before.tp + c.tp);
    before = c;
  });
  const double all = static_cast<double>(before.tp) * static_cast<double>(before.fp);
  return pairs / (2 * all);  // 0 / 0 is NaN
}

double roc_auc(const std::vector<double>& scores, const std::vector<bool>& is_positive) {
  return roc_auc(SortedScores(scores, is_positive));
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

double average_precision(const SortedScores& scores) {
  double sum = 0, found = 0;
  scores.descend([&](double, const Confusion& counts) {
    const double recall = counts.recall();
    sum += (recall - found) * counts.precision();
    found = recall;
  });
  return sum;
}

double average_precision(const std::vector<double>& scores, const std::vector<bool>& is_positive) {
  return average_precision(SortedScores(scores, is_positive));
}

const std::vector<std::string>& tunable_metrics() {
  static const std::vector<std::string> names = detail::names_of(tunable);
  return names;
}

BestThreshold best_threshold(const SortedScores& scores, const std::string& metric) {
  const auto* row =
      std::find_if(std::begin(tunable), std::end(tunable), [&](const Metric& m) { return m.name == metric; });
  CP_ENSURE_AS(invalid_argument, row != std::end(tunable), "no threshold can be chosen for the metric \"", metric,
               "\"; valid are ", detail::join(tunable_metrics()));
  BestThreshold best = {0, -std::numeric_limits<double>::infinity()};
  scores.ascend([&](double threshold, const Confusion& counts) {
    const double value = row->of(counts);
    // Equal fractions may be rounded differently; the choice of a threshold must not depend on that.
    if (value > best.value + 1e-12) best = {threshold, value};
  });
  return best;
}

BestThreshold best_threshold(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                             const std::string& metric) {
  return best_threshold(SortedScores(scores, is_positive), metric);
}

}  // namespace counterpoise
