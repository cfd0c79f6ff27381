#include "losses/metrics/posthoc.h"

#include <algorithm>
#include <cmath>

#include "kernels/error.h"

namespace counterpoise {

double logit(double p) { return std::log(p) - std::log1p(-p); }

double probability(double z) { return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z)); }

double prior_shift(int64_t positives, int64_t negatives, double tau) {
  const auto log_count = [](int64_t n) { return std::log(static_cast<double>(std::max<int64_t>(n, 1))); };
  return tau * (log_count(positives) - log_count(negatives));
}

double prior_shift(double from, double to) {
  CP_ENSURE(0 < from && from < 1 && 0 < to && to < 1, "prior_shift: the shares ", from, " and ", to,
            " must lie between 0 and 1");
  return logit(from) - logit(to);
}

double fit_temperature(const std::vector<double>& logits, const std::vector<bool>& is_positive) {
  CP_ENSURE(!logits.empty() && logits.size() == is_positive.size(), "fit_temperature: ", logits.size(), " logits for ",
            is_positive.size(), " labels");
  // The log loss is convex in b = 1 / T, so its slope changes its sign once: bisection finds where.
  const auto slope = [&](double b) {
    double sum = 0;
    for (size_t i = 0; i < logits.size(); ++i)
      sum += (probability(b * logits[i]) - (is_positive[i] ? 1 : 0)) * logits[i];
    return sum;
  };
  double low = 0.01, high = 100;
  for (int i = 0; i < 100; ++i) {
    const double middle = std::sqrt(low * high);
    (slope(middle) < 0 ? low : high) = middle;
  }
  return 1 / std::sqrt(low * high);
}

}  // namespace counterpoise
