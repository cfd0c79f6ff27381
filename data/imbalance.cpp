#include "data/imbalance.h"

#include <algorithm>
#include <cmath>

#include "data/tables/csv.h"
#include "kernels/error.h"

namespace counterpoise {

std::vector<int64_t> imbalanced_counts(const std::string& spec, const std::vector<int64_t>& available) {
  if (spec == "none") return available;
  const size_t colon = std::min(spec.find(':'), spec.size());
  const std::string profile = spec.substr(0, colon);
  double factor = 0;
  const bool known = (profile == "exp" || profile == "step") && colon < spec.size() &&
                     parse_csv_number(spec.substr(colon + 1), factor) && factor >= 1;
  CP_ENSURE_AS(
      invalid_argument, known, "imbalance \"", spec,
      "\" is none of exp:F, step:F and none; F is the largest class by the smallest, at least 1, as in exp:100");
  const size_t K = available.size();
  CP_ENSURE_AS(invalid_argument, K >= 2, "imbalance \"", spec, "\" is between at least two classes, not ", K);

  const double most = static_cast<double>(*std::min_element(available.begin(), available.end()));
  std::vector<int64_t> counts;
  for (size_t k = 0; k < K; ++k) {
    const double share = profile == "exp" ? std::pow(factor, -static_cast<double>(k) / static_cast<double>(K - 1))
                         : k < K - K / 2  ? 1
                                          : 1 / factor;
    // (5000 * 0.01 may be a little less than 50.)
    counts.push_back(static_cast<int64_t>(std::floor(most * share + 1e-9)));
  }
  CP_ENSURE_AS(bad_data, counts.back() > 0, "imbalance \"", spec, "\": the smallest class has ", most,
               " samples, so that the last class would keep none; the factor is at most ", most);
  return counts;
}

}  // namespace counterpoise
