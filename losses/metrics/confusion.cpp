#include "losses/metrics/confusion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/error.h"
#include "losses/metrics/columns.h"

namespace counterpoise {

using detail::left_aligned;
using detail::right_aligned;
using detail::width_of;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double real(int64_t n) { return static_cast<double>(n); }

double ratio(double part, double whole, double zero_division) { return whole > 0 ? part / whole : zero_division; }
double ratio(int64_t part, int64_t whole, double zero_division) {
  return ratio(real(part), real(whole), zero_division);
}

// Sums over the classes, each against the rest, of which mcc and kappa are ratios. Textbooks subtract squares of the
// total, which loses digits where a class is rare; products of counts do not. They are doubles because the product of
// two counts of 10^10 is too large for an int64.
struct Agreement {
  double covariance = 0;        // tp tn - fp fn
  double spread_predicted = 0;  // (tp + fp) (tn + fn)
  double spread_actual = 0;     // (tp + fn) (tn + fp)
  double chance_differs = 0;    // (tp + fn) (tn + fn): total^2 times the expected disagreement of independent guesses

  void add(const Confusion& c) {
    covariance += real(c.tp) * real(c.tn) - real(c.fp) * real(c.fn);
    spread_predicted += real(c.tp + c.fp) * real(c.tn + c.fn);
    spread_actual += real(c.tp + c.fn) * real(c.tn + c.fp);
    chance_differs += real(c.tp + c.fn) * real(c.tn + c.fn);
  }
  double mcc() const { return ratio(covariance, std::sqrt(spread_predicted * spread_actual), 0); }
  double kappa() const { return ratio(covariance, chance_differs, kNaN); }
};

Agreement agreement(const Confusion& c) {
  Agreement sums;
  sums.add(c);
  sums.add({c.tn, c.fn, c.fp, c.tp});
  return sums;
}

Agreement agreement(const ConfusionMatrix& m) {
  Agreement sums;
  for (int64_t c = 0; c < m.classes(); ++c) sums.add(m.of(c));
  return sums;
}

}  // namespace

double Confusion::accuracy() const { return ratio(tp + tn, total(), 0); }
double Confusion::precision(double zero_division) const { return ratio(tp, tp + fp, zero_division); }
double Confusion::recall(double zero_division) const { return ratio(tp, tp + fn, zero_division); }
double Confusion::specificity(double zero_division) const { return ratio(tn, tn + fp, zero_division); }
double Confusion::f1(double zero_division) const { return ratio(2 * tp, 2 * tp + fp + fn, zero_division); }

double Confusion::f_beta(double beta, double zero_division) const {
  CP_ENSURE(beta >= 0, "f_beta: beta is ", beta, " but must be zero or more");
  if (std::isinf(beta)) return recall(zero_division);
  const double b2 = beta * beta;
  return ratio((1 + b2) * real(tp), b2 * real(tp + fn) + real(tp + fp), zero_division);
}

double Confusion::balanced_accuracy() const {
  if (tp + fn == 0) return specificity();
  if (tn + fp == 0) return recall();
  return (recall() + specificity()) / 2;
}

double Confusion::g_mean(double zero_division) const {
  return std::sqrt(recall(zero_division) * specificity(zero_division));
}

double Confusion::mcc() const { return agreement(*this).mcc(); }
double Confusion::kappa() const { return agreement(*this).kappa(); }

Confusion confusion(const std::vector<double>& scores, const std::vector<bool>& is_positive, double threshold) {
  CP_ENSURE(scores.size() == is_positive.size(), "confusion: ", scores.size(), " scores for ", is_positive.size(),
            " labels");
  Confusion c;
  for (size_t i = 0; i < scores.size(); ++i) {
    const bool predicted = scores[i] >= threshold;
    ++(is_positive[i] ? (predicted ? c.tp : c.fn) : (predicted ? c.fp : c.tn));
  }
  return c;
}

AtPrevalence at_prevalence(const Confusion& c, double share, double zero_division) {
  CP_ENSURE(0 <= share && share <= 1, "at_prevalence: the share ", share, " of the positive class must be in [0, 1]");
  const double recall = c.recall(kNaN), specificity = c.specificity(kNaN);
  if (std::isnan(recall + specificity)) return {kNaN, kNaN, kNaN};
  // The false positive rate as a ratio of counts: 1 - specificity would lose its digits where it is small.
  const double fpr = real(c.fp) / real(c.fp + c.tn);
  const double tp = share * recall, fp = (1 - share) * fpr, fn = share * (1 - recall), tn = (1 - share) * specificity;
  return {ratio(tp, tp + fp, zero_division), ratio(2 * tp, 2 * tp + fp + fn, zero_division), tp + tn};
}

std::string table(const Confusion& c, const std::string& positive, const std::string& negative) {
  const size_t name = std::max(width_of(positive), width_of(negative)) + 1;
  const size_t cell = std::max<size_t>(8, name + 3);
  const auto number = [&](int64_t x) { return right_aligned(std::to_string(x), cell); };
  const auto row = [&](const std::string& label, int64_t a, const char* what_a, int64_t b, const char* what_b) {
    return "  " + left_aligned(label, 8 + name) + number(a) + what_a + number(b) + what_b + number(a + b) + "\n";
  };
  return "  n = " + left_aligned(std::to_string(c.total()), 4 + name) + "predicted:\n  " + left_aligned("", 8 + name) +
         right_aligned(positive, cell) + "    " + right_aligned(negative, cell) + "\n" +
         row("actual: " + positive, c.tp, " TP", c.fn, " FN") + row("        " + negative, c.fp, " FP", c.tn, " TN") +
         row("", c.tp + c.fp, "   ", c.fn + c.tn, "   ");
}

ConfusionMatrix::ConfusionMatrix(const std::vector<int32_t>& actual, const std::vector<int32_t>& predicted,
                                 int64_t classes) {
  CP_ENSURE(classes > 0, "confusion matrix: there are no classes");
  CP_ENSURE(actual.size() == predicted.size(), "confusion matrix: ", predicted.size(), " predictions for ",
            actual.size(), " labels");
  counts_.resize(static_cast<size_t>(classes * classes));
  for (size_t i = 0; i < actual.size(); ++i) {
    for (const int32_t c : {actual[i], predicted[i]}) {
      CP_ENSURE(0 <= c && c < classes, "confusion matrix: sample ", i, " has class ", c, " but there are ", classes);
    }
    ++counts_[static_cast<size_t>(actual[i] * classes + predicted[i])];
  }
  actual_.resize(static_cast<size_t>(classes));
  add_margins();
}

ConfusionMatrix::ConfusionMatrix(const std::vector<std::vector<int64_t>>& counts) {
  CP_ENSURE(!counts.empty(), "confusion matrix: there are no classes");
  for (const std::vector<int64_t>& row : counts) {
    CP_ENSURE(row.size() == counts.size(), "confusion matrix: ", counts.size(), " rows but ", row.size(), " columns");
    for (const int64_t count : row) {
      CP_ENSURE(count >= 0, "confusion matrix: a count is ", count, " but must be zero or more");
      counts_.push_back(count);
    }
  }
  actual_.resize(counts.size());
  add_margins();
}

void ConfusionMatrix::add_margins() {
  const size_t K = actual_.size();
  predicted_.resize(K);
  for (size_t i = 0; i < K; ++i) {
    for (size_t j = 0; j < K; ++j) {
      const int64_t count = counts_[i * K + j];
      actual_[i] += count;
      predicted_[j] += count;
      total_ += count;
    }
  }
}

int64_t ConfusionMatrix::at(int64_t actual, int64_t predicted) const {
  CP_ENSURE(0 <= actual && actual < classes() && 0 <= predicted && predicted < classes(), "confusion matrix: no cell (",
            actual, ", ", predicted, ") with ", classes(), " classes");
  return counts_[static_cast<size_t>(actual * classes() + predicted)];
}

int64_t ConfusionMatrix::support(int64_t c) const {
  CP_ENSURE(0 <= c && c < classes(), "confusion matrix: no class ", c, " of ", classes());
  return actual_[static_cast<size_t>(c)];
}

Confusion ConfusionMatrix::of(int64_t c) const {
  const int64_t tp = at(c, c), predicted = predicted_[static_cast<size_t>(c)];
  return {tp, predicted - tp, support(c) - tp, total_ - predicted - support(c) + tp};
}

double ConfusionMatrix::accuracy() const {
  return average(Average::micro, [](const Confusion& c) { return c.recall(); });
}

double ConfusionMatrix::balanced_accuracy() const {
  return total_ ? average(Average::macro, [](const Confusion& c) { return c.recall(kNaN); }) : 0;
}

double ConfusionMatrix::g_mean(double zero_division) const {
  // Through logarithms, because the product of many recalls could underflow.
  return std::exp(average(Average::macro, [&](const Confusion& c) { return std::log(c.recall(zero_division)); }));
}

double ConfusionMatrix::mcc() const { return agreement(*this).mcc(); }
double ConfusionMatrix::kappa() const { return agreement(*this).kappa(); }

double ConfusionMatrix::average(Average how, const std::function<double(const Confusion&)>& metric) const {
  Confusion all;
  double sum = 0, weighted_sum = 0, number = 0, weight = 0;
  for (int64_t c = 0; c < classes(); ++c) {
    const Confusion one = of(c);
    if (how == Average::micro) {
      all = {all.tp + one.tp, all.fp + one.fp, all.fn + one.fn, all.tn + one.tn};
      continue;
    }
    const double value = metric(one);
    if (std::isnan(value)) continue;
    sum += value;
    number += 1;
    weighted_sum += real(support(c)) * value;
    weight += real(support(c));
  }
  if (how == Average::micro) return metric(all);
  return how == Average::weighted && weight > 0 ? weighted_sum / weight : ratio(sum, number, kNaN);
}

}  // namespace counterpoise
