#include "apps/compare/statistics.h"

#include <cmath>
#include <limits>

#include "kernels/error.h"

namespace counterpoise {

namespace {
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
}

Summary summarize(const std::vector<double>& values) {
  Summary s;
  double sum = 0, squares = 0;
  for (const double value : values) {
    if (std::isnan(value)) continue;
    sum += value;
    ++s.count;
  }
  s.mean = s.count ? sum / static_cast<double>(s.count) : nan;
  for (const double value : values) {
    if (!std::isnan(value)) squares += (value - s.mean) * (value - s.mean);
  }
  s.deviation = s.count > 1 ? std::sqrt(squares / static_cast<double>(s.count - 1)) : nan;
  return s;
}

bool Paired::clear(bool lower_is_better) const {
  return (lower_is_better ? -difference : difference) > 2 * error;  // false for NaN
}

Paired paired(const std::vector<double>& values, const std::vector<double>& reference, int folds,
              bool lower_is_better) {
  CP_ENSURE(values.size() == reference.size(), "paired: ", values.size(), " and ", reference.size(), " values");
  Paired result;
  std::vector<double> differences;
  for (size_t i = 0; i < values.size(); ++i) {
    const double d = values[i] - reference[i];
    differences.push_back(d);
    result.better += lower_is_better ? d < 0 : d > 0;
  }
  const Summary s = summarize(differences);
  result.pairs = s.count;
  result.difference = s.mean;
  const double shared = folds > 1 ? 1. / (folds - 1) : 0;
  result.error = s.deviation * std::sqrt(1. / static_cast<double>(s.count) + shared);
  return result;
}

}  // namespace counterpoise
