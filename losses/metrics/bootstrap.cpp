#include "losses/metrics/bootstrap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "core/random.h"
#include "kernels/error.h"
#include "losses/metrics/confusion.h"

namespace counterpoise {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void check(const BootstrapOptions& o, size_t samples) {
  CP_ENSURE(samples > 0, "bootstrap: there are no samples");
  CP_ENSURE_AS(invalid_argument, o.resamples > 0, "bootstrap: the number of resamples is ", o.resamples,
               " but must be one or more");
  CP_ENSURE_AS(invalid_argument, 0 < o.level && o.level < 1, "bootstrap: the level is ", o.level,
               " but must be between 0 and 1");
}

// The q-quantile of sorted values, with linear interpolation as in numpy.quantile.
double quantile(const std::vector<double>& sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// Computes `metrics` for every resample and takes the percentiles. resampled(random) returns their values.
template <size_t M, class Resampled>
std::vector<MetricInterval> intervals(const std::array<const char*, M>& metrics, const BootstrapOptions& options,
                                      const Resampled& resampled) {
  std::array<std::vector<double>, M> values;
  for (int64_t r = 0; r < options.resamples; ++r) {
    Random random(options.seed, Stream::bootstrap, static_cast<uint64_t>(r));
    const std::array<double, M> row = resampled(random);
    for (size_t m = 0; m < M; ++m) {
      if (!std::isnan(row[m])) values[m].push_back(row[m]);
    }
  }
  std::vector<MetricInterval> result;
  for (size_t m = 0; m < M; ++m) {
    std::vector<double>& sorted = values[m];
    std::sort(sorted.begin(), sorted.end());
    const double tail = (1 - options.level) / 2;
    if (sorted.empty()) {
      result.push_back({metrics[m], kNaN, kNaN});
    } else {
      result.push_back({metrics[m], quantile(sorted, tail), quantile(sorted, 1 - tail)});
    }
  }
  return result;
}

// The samples in the order of descending scores.
struct Ranked {
  bool positive;
  bool predicted_positive;
  bool last_of_equals;  // the next sample's score is lower
};

std::vector<Ranked> rank(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold) {
  std::vector<std::pair<double, bool>> order;  // equal scores: by the label, whatever the order of the samples
  order.reserve(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) order.emplace_back(scores[i], is_positive[i]);
  std::sort(order.begin(), order.end(), std::greater<>());
  std::vector<Ranked> ranked;
  ranked.reserve(scores.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const auto& [score, positive] = order[i];
    ranked.push_back({positive, score >= threshold, i + 1 == order.size() || order[i + 1].first < score});
  }
  return ranked;
}

}  // namespace

std::vector<MetricInterval> bootstrap_intervals(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                                                double threshold, const BootstrapOptions& options) {
  const size_t N = scores.size();
  CP_ENSURE(N == is_positive.size(), "bootstrap: ", N, " scores for ", is_positive.size(), " labels");
  CP_ENSURE(!std::isnan(threshold), "bootstrap: the threshold is NaN");
  check(options, N);
  for (size_t i = 0; i < N; ++i) CP_ENSURE(!std::isnan(scores[i]), "bootstrap: the score of sample ", i, " is NaN");
  const std::vector<Ranked> ranked = rank(scores, is_positive, threshold);
  std::vector<int64_t> times(N);  // how often the resample contains each sample
  return intervals<7>({"accuracy", "precision", "recall", "f1", "balanced_accuracy", "average_precision", "roc_auc"},
                      options, [&](Random& random) -> std::array<double, 7> {
                        std::fill(times.begin(), times.end(), 0);
                        for (size_t i = 0; i < N; ++i) ++times[random.below(N)];
                        Confusion c;  // at the threshold
                        // Of the samples down to the present score, and down to the last one before it; sums of
                        // precision times new positives, and of pairs in the right order, ties counted as one half.
                        int64_t tp = 0, fp = 0, tp_before = 0, fp_before = 0;
                        double precisions = 0, pairs = 0;
                        for (size_t i = 0; i < N; ++i) {
                          (ranked[i].positive ? tp : fp) += times[i];
                          if (!ranked[i].last_of_equals) continue;
                          if (ranked[i].predicted_positive) c.tp = tp, c.fp = fp;
                          if (tp > tp_before) {
                            precisions += static_cast<double>(tp - tp_before) * static_cast<double>(tp) /
                                          static_cast<double>(tp + fp);
                          }
                          pairs += static_cast<double>(fp - fp_before) * static_cast<double>(tp_before + tp);
                          tp_before = tp, fp_before = fp;
                        }
                        c.fn = tp - c.tp, c.tn = fp - c.fp;
                        const auto positives = static_cast<double>(tp), negatives = static_cast<double>(fp);
                        return {c.accuracy(),
                                c.precision(kNaN),
                                c.recall(kNaN),
                                c.f1(kNaN),
                                (c.recall(kNaN) + c.specificity(kNaN)) / 2,
                                precisions / positives,  // 0 / 0 is NaN
                                pairs / (2 * positives * negatives)};
                      });
}

std::vector<MetricInterval> multiclass_bootstrap_intervals(const std::vector<int32_t>& actual,
                                                           const std::vector<int32_t>& predicted, int64_t classes,
                                                           const BootstrapOptions& options) {
  check(options, actual.size());
  ConfusionMatrix(actual, predicted, classes);  // checks its arguments
  const size_t N = actual.size(), K = static_cast<size_t>(classes);
  return intervals<3>({"accuracy", "balanced_accuracy", "macro_f1"}, options,
                      [&](Random& random) -> std::array<double, 3> {
                        std::vector<std::vector<int64_t>> counts(K, std::vector<int64_t>(K));
                        for (size_t i = 0; i < N; ++i) {
                          const uint64_t chosen = random.below(N);
                          ++counts[static_cast<size_t>(actual[chosen])][static_cast<size_t>(predicted[chosen])];
                        }
                        const ConfusionMatrix m(counts);
                        return {m.accuracy(), m.balanced_accuracy(),
                                m.average(Average::macro, [](const Confusion& c) { return c.f1(kNaN); })};
                      });
}

std::pair<double, double> wilson_interval(double share, double n) {
  if (std::isnan(share) || !(n > 0)) return {kNaN, kNaN};
  constexpr double z = 1.959963984540054;  // 95 % of a normal distribution are within z standard deviations
  const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {std::max(0., middle - half), std::min(1., middle + half)};
}

}  // namespace counterpoise
