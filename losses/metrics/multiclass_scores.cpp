#include "losses/metrics/multiclass_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/error.h"
#include "losses/metrics/curves.h"

namespace counterpoise {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Checks [N, K] scores and returns N.
size_t rows_of(const char* name, const std::vector<double>& scores, int64_t classes) {
  CP_ENSURE(classes > 0, name, ": there are no classes");
  const auto K = static_cast<size_t>(classes);
  CP_ENSURE(!scores.empty(), name, ": there are no samples");
  CP_ENSURE(scores.size() % K == 0, name, ": ", scores.size(), " scores are not a multiple of ", K, " classes");
  for (size_t i = 0; i < scores.size(); ++i) {
    CP_ENSURE(!std::isnan(scores[i]), name, ": the score of sample ", i / K, " for class ", i % K, " is NaN");
  }
  return scores.size() / K;
}

size_t check(const char* name, const std::vector<double>& scores, const std::vector<int32_t>& labels, int64_t classes) {
  const size_t N = rows_of(name, scores, classes);
  CP_ENSURE(N == labels.size(), name, ": scores of ", N, " samples for ", labels.size(), " labels");
  for (size_t i = 0; i < N; ++i) {
    CP_ENSURE(0 <= labels[i] && labels[i] < classes, name, ": sample ", i, " has class ", labels[i], " but there are ",
              classes);
  }
  return N;
}

// a - b, and 0 for equal infinities.
double difference(double a, double b) { return a == b ? 0 : a - b; }

template <class Metric>
ClassMetric one_vs_rest(const char* name, const std::vector<double>& scores, const std::vector<int32_t>& labels,
                        int64_t classes, const Metric& metric) {
  const size_t N = check(name, scores, labels, classes), K = static_cast<size_t>(classes);
  ClassMetric result;
  double sum = 0, defined = 0, weighted_sum = 0, weight = 0;
  std::vector<double> column(N);
  std::vector<bool> is_class(N);
  for (size_t k = 0; k < K; ++k) {
    for (size_t i = 0; i < N; ++i) {
      column[i] = scores[i * K + k];
      is_class[i] = labels[i] == static_cast<int32_t>(k);
    }
    const SortedScores sorted(column, is_class);
    const double value = sorted.positives() == 0 ? kNaN : metric(sorted);
    result.each.push_back(value);
    if (std::isnan(value)) continue;
    const auto support = static_cast<double>(sorted.positives());
    sum += value;
    defined += 1;
    weighted_sum += support * value;
    weight += support;
  }
  result.macro = sum / defined;  // 0 / 0 is NaN
  result.weighted = weighted_sum / weight;
  return result;
}

}  // namespace

std::vector<double> softmax(const std::vector<double>& logits, int64_t classes) {
  const size_t N = rows_of("softmax", logits, classes), K = static_cast<size_t>(classes);
  std::vector<double> probabilities(logits.size());
  for (size_t i = 0; i < N; ++i) {
    const double* z = &logits[i * K];
    const double highest = *std::max_element(z, z + K);
    double sum = 0;
    for (size_t k = 0; k < K; ++k) sum += probabilities[i * K + k] = std::exp(difference(z[k], highest));
    for (size_t k = 0; k < K; ++k) probabilities[i * K + k] /= sum;
  }
  return probabilities;
}

ClassMetric one_vs_rest_average_precision(const std::vector<double>& scores, const std::vector<int32_t>& labels,
                                          int64_t classes) {
  return one_vs_rest("one_vs_rest_average_precision", scores, labels, classes,
                     [](const SortedScores& sorted) { return average_precision(sorted); });
}

ClassMetric one_vs_rest_roc_auc(const std::vector<double>& scores, const std::vector<int32_t>& labels,
                                int64_t classes) {
  return one_vs_rest("one_vs_rest_roc_auc", scores, labels, classes,
                     [](const SortedScores& sorted) { return roc_auc(sorted); });
}

double top_k_accuracy(const std::vector<double>& scores, const std::vector<int32_t>& labels, int64_t classes,
                      int64_t k) {
  const size_t N = check("top_k_accuracy", scores, labels, classes), K = static_cast<size_t>(classes);
  CP_ENSURE(k > 0, "top_k_accuracy: k is ", k, " but must be one or more");
  int64_t correct = 0;
  for (size_t i = 0; i < N; ++i) {
    const double* row = &scores[i * K];
    const auto label = static_cast<size_t>(labels[i]);
    int64_t higher = 0;
    for (size_t c = 0; c < K; ++c) higher += row[c] > row[label] || (row[c] == row[label] && c < label);
    correct += higher < k;
  }
  return static_cast<double>(correct) / static_cast<double>(N);
}

double log_loss_from_logits(const std::vector<double>& logits, const std::vector<int32_t>& labels, int64_t classes) {
  const size_t N = check("log_loss_from_logits", logits, labels, classes), K = static_cast<size_t>(classes);
  double sum = 0;
  for (size_t i = 0; i < N; ++i) {
    const double* z = &logits[i * K];
    const double* highest = std::max_element(z, z + K);
    // log(1 + the others), so that the loss of a sure and correct sample is not rounded to 0.
    double others = 0;
    for (const double* other = z; other != z + K; ++other) {
      if (other != highest) others += std::exp(difference(*other, *highest));
    }
    sum += std::log1p(others) + difference(*highest, z[labels[i]]);
  }
  return sum / static_cast<double>(N);
}

double brier(const std::vector<double>& probabilities, const std::vector<int32_t>& labels, int64_t classes) {
  const size_t N = check("brier", probabilities, labels, classes), K = static_cast<size_t>(classes);
  double sum = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const double p = probabilities[i];
    CP_ENSURE(0 <= p && p <= 1, "brier: the probability of sample ", i / K, " for class ", i % K, " is ", p,
              " but must be in [0, 1]");
    const double error = p - (static_cast<size_t>(labels[i / K]) == i % K ? 1 : 0);
    sum += error * error;
  }
  return sum / static_cast<double>(N);
}

Shot shot_group(int64_t training_samples) {
  return training_samples > 100 ? Shot::many : training_samples >= 20 ? Shot::medium : Shot::few;
}

ShotAccuracy shot_accuracy(const ConfusionMatrix& matrix, const std::vector<int64_t>& training_samples) {
  CP_ENSURE(static_cast<int64_t>(training_samples.size()) == matrix.classes(),
            "shot_accuracy: ", training_samples.size(), " numbers of training samples for ", matrix.classes(),
            " classes");
  double sums[3] = {}, classes[3] = {};
  for (size_t k = 0; k < training_samples.size(); ++k) {
    CP_ENSURE(training_samples[k] >= 0, "shot_accuracy: class ", k, " has ", training_samples[k], " training samples");
    const double recall = matrix.of(static_cast<int64_t>(k)).recall(kNaN);
    if (std::isnan(recall)) continue;
    const auto group = static_cast<size_t>(shot_group(training_samples[k]));
    sums[group] += recall;
    classes[group] += 1;
  }
  return {sums[0] / classes[0], sums[1] / classes[1], sums[2] / classes[2]};  // 0 / 0 is NaN
}

}  // namespace counterpoise
