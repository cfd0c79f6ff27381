#include "losses/metrics/posthoc.h"

#include <algorithm>
#include <cmath>

#include "kernels/error.h"
#include "kernels/formulas.h"
#include "losses/metrics/multiclass_scores.h"

namespace counterpoise {

double logit(double p) { return std::log(p) - std::log1p(-p); }

double probability(double z) { return formula::Sigmoid::f(z, 0., 0.); }

double prior_shift(int64_t positives, int64_t negatives, double tau) {
  const auto log_count = [](int64_t n) { return std::log(static_cast<double>(std::max<int64_t>(n, 1))); };
  return tau * (log_count(positives) - log_count(negatives));
}

double prior_shift(double from, double to) {
  CP_ENSURE(0 < from && from < 1 && 0 < to && to < 1, "prior_shift: the shares ", from, " and ", to,
            " must lie between 0 and 1");
  return logit(from) - logit(to);
}

// A logit that is NaN or infinite would make every slope NaN, and the temperature 100, whatever the others are.
static void check_finite(const std::vector<double>& logits) {
  for (const double z : logits) CP_ENSURE(std::isfinite(z), "fit_temperature: a logit is ", z, "; all must be finite");
}

// The T = 1 / b at which the slope of the log loss over b is 0. The log loss is convex in b, so its slope changes its
// sign once: bisection finds where.
template <class Slope>
static double bisect_temperature(const Slope& slope) {
  double low = 0.01, high = 100;
  for (int i = 0; i < 100; ++i) {
    const double middle = std::sqrt(low * high);
    (slope(middle) < 0 ? low : high) = middle;
  }
  return 1 / std::sqrt(low * high);
}

double fit_temperature(const std::vector<double>& logits, const std::vector<bool>& is_positive) {
  CP_ENSURE(!logits.empty() && logits.size() == is_positive.size(), "fit_temperature: ", logits.size(), " logits for ",
            is_positive.size(), " labels");
  check_finite(logits);
  return bisect_temperature([&](double b) {
    double sum = 0;
    for (size_t i = 0; i < logits.size(); ++i)
      sum += (probability(b * logits[i]) - (is_positive[i] ? 1 : 0)) * logits[i];
    return sum;
  });
}

double fit_temperature(const std::vector<double>& logits, const std::vector<int32_t>& labels, int64_t classes) {
  const size_t K = static_cast<size_t>(classes);
  CP_ENSURE(classes > 0 && !labels.empty() && logits.size() == labels.size() * K, "fit_temperature: ", logits.size(),
            " logits for ", labels.size(), " labels of ", classes, " classes");
  check_finite(logits);
  for (const int32_t label : labels) {
    CP_ENSURE(0 <= label && label < classes, "fit_temperature: the label ", label, " is none of ", classes, " classes");
  }
  return bisect_temperature([&](double b) {
    double sum = 0;
    std::vector<double> scaled(logits.size());
    std::transform(logits.begin(), logits.end(), scaled.begin(), [b](double z) { return b * z; });
    const std::vector<double> p = softmax(scaled, classes);
    for (size_t n = 0; n < labels.size(); ++n) {
      for (size_t k = 0; k < K; ++k) sum += p[n * K + k] * logits[n * K + k];
      sum -= logits[n * K + static_cast<size_t>(labels[n])];
    }
    return sum;
  });
}

}  // namespace counterpoise
