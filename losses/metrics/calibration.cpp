#include "losses/metrics/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/error.h"

namespace counterpoise {

namespace {

void check(const char* name, const std::vector<double>& probabilities, size_t labels) {
  CP_ENSURE(probabilities.size() == labels, name, ": ", probabilities.size(), " probabilities for ", labels, " labels");
  CP_ENSURE(labels > 0, name, ": there are no samples");
  for (size_t i = 0; i < labels; ++i) {
    const double p = probabilities[i];
    CP_ENSURE(0 <= p && p <= 1, name, ": the probability of sample ", i, " is ", p, " but must be in [0, 1]");
  }
}

}  // namespace

double log_loss(const std::vector<double>& probabilities, const std::vector<bool>& is_positive) {
  check("log_loss", probabilities, is_positive.size());
  constexpr double eps = std::numeric_limits<double>::epsilon();
  double sum = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const double p = is_positive[i] ? probabilities[i] : 1 - probabilities[i];
    sum -= std::log(std::max(p, eps));
  }
  return sum / static_cast<double>(probabilities.size());
}

double log_loss_from_logits(const std::vector<double>& logits, const std::vector<bool>& is_positive) {
  CP_ENSURE(!logits.empty() && logits.size() == is_positive.size(), "log_loss_from_logits: ", logits.size(),
            " logits for ", is_positive.size(), " labels");
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    CP_ENSURE(!std::isnan(logits[i]), "log_loss_from_logits: the logit of sample ", i, " is NaN");
    const double x = is_positive[i] ? -logits[i] : logits[i];
    sum += std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
  }
  return sum / static_cast<double>(logits.size());
}

double brier(const std::vector<double>& probabilities, const std::vector<bool>& is_positive) {
  check("brier", probabilities, is_positive.size());
  double sum = 0;
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const double error = probabilities[i] - (is_positive[i] ? 1 : 0);
    sum += error * error;
  }
  return sum / static_cast<double>(probabilities.size());
}

std::vector<ReliabilityBin> reliability_curve(const std::vector<double>& probabilities,
                                              const std::vector<bool>& is_positive, int bins) {
  check("reliability_curve", probabilities, is_positive.size());
  CP_ENSURE(bins > 0, "reliability_curve: the number of bins is ", bins, " but must be one or more");
  std::vector<double> upper_edges;
  for (int i = 1; i <= bins; ++i) upper_edges.push_back(static_cast<double>(i) / bins);
  std::vector<ReliabilityBin> curve(static_cast<size_t>(bins), {0, 0, 0});
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const auto edge = std::lower_bound(upper_edges.begin(), upper_edges.end(), probabilities[i]);
    ReliabilityBin& bin = curve[static_cast<size_t>(edge - upper_edges.begin())];
    ++bin.samples;
    bin.probability += probabilities[i];
    bin.frequency += is_positive[i] ? 1 : 0;
  }
  curve.erase(std::remove_if(curve.begin(), curve.end(), [](const ReliabilityBin& bin) { return bin.samples == 0; }),
              curve.end());
  for (ReliabilityBin& bin : curve) {
    bin.probability /= static_cast<double>(bin.samples);
    bin.frequency /= static_cast<double>(bin.samples);
  }
  return curve;
}

TopLabel top_label(const std::vector<double>& probabilities, const std::vector<bool>& is_positive) {
  check("top_label", probabilities, is_positive.size());
  TopLabel top;
  top.confidence.reserve(probabilities.size());
  top.correct.reserve(probabilities.size());
  for (size_t i = 0; i < probabilities.size(); ++i) {
    const double p = probabilities[i];
    top.confidence.push_back(std::max(p, 1 - p));
    top.correct.push_back((p >= 0.5) == is_positive[i]);
  }
  return top;
}

TopLabel top_label(const std::vector<std::vector<double>>& probabilities, const std::vector<int32_t>& classes) {
  CP_ENSURE(!classes.empty() && probabilities.size() == classes.size(), "top_label: ", probabilities.size(),
            " rows of probabilities for ", classes.size(), " labels");
  TopLabel top;
  for (size_t i = 0; i < classes.size(); ++i) {
    const std::vector<double>& row = probabilities[i];
    CP_ENSURE(0 <= classes[i] && static_cast<size_t>(classes[i]) < row.size(), "top_label: sample ", i, " has class ",
              classes[i], " but ", row.size(), " probabilities");
    check("top_label", row, row.size());
    const auto best = std::max_element(row.begin(), row.end());
    top.confidence.push_back(*best);
    top.correct.push_back(best - row.begin() == classes[i]);
  }
  return top;
}

CalibrationError calibration_error(const TopLabel& labels, int bins) {
  CalibrationError error = {0, 0};
  for (const ReliabilityBin& bin : reliability_curve(labels.confidence, labels.correct, bins)) {
    const double gap = std::fabs(bin.frequency - bin.probability);
    error.expected += gap * static_cast<double>(bin.samples) / static_cast<double>(labels.correct.size());
    error.maximum = std::max(error.maximum, gap);
  }
  return error;
}

}  // namespace counterpoise
