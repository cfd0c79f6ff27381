#include "losses/class_weights.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "kernels/error.h"

namespace counterpoise {

namespace {

// weight(n) for each class of n samples, 0 without samples.
template <class Weight>
std::vector<double> weights_of(const std::vector<int64_t>& counts, const Weight& weight) {
  std::vector<double> weights;
  for (const int64_t n : counts) weights.push_back(n ? weight(static_cast<double>(n)) : 0);
  return weights;
}

// Scaled so that they add up to K.
std::vector<double> scaled_to_K(std::vector<double> weights) {
  double total = 0;
  for (const double w : weights) total += w;
  for (double& w : weights) w = total > 0 ? w * static_cast<double>(weights.size()) / total : 0;
  return weights;
}

// "cat=NUMBER,dog=NUMBER"
std::string example_of(const std::vector<std::string>& classes) {
  std::string example;
  for (const std::string& name : classes) example += (example.empty() ? "" : ",") + name + "=NUMBER";
  return example;
}

}  // namespace

std::vector<double> balanced_weights(const std::vector<int64_t>& counts) {
  const double N = std::accumulate(counts.begin(), counts.end(), 0.), K = static_cast<double>(counts.size());
  return weights_of(counts, [&](double n) { return N / (K * n); });
}

std::vector<double> inverse_weights(const std::vector<int64_t>& counts, double power) {
  return scaled_to_K(weights_of(counts, [&](double n) { return std::pow(n, -power); }));
}

std::vector<double> effective_weights(const std::vector<int64_t>& counts, double beta) {
  CP_ENSURE(0 <= beta && beta < 1, "effective number: beta is ", beta, " but must be in [0, 1)");
  // 1 - beta^n, without cancellation.
  const auto number = [&](double n) { return beta > 0 ? -std::expm1(n * std::log(beta)) : 1; };
  return scaled_to_K(weights_of(counts, [&](double n) { return (1 - beta) / number(n); }));
}

std::vector<bool> rare_classes(const std::vector<int64_t>& counts, double share) {
  const double N = std::accumulate(counts.begin(), counts.end(), 0.);
  std::vector<bool> rare;
  for (const int64_t n : counts) rare.push_back(static_cast<double>(n) < share * N);
  return rare;
}

std::vector<double> median_weights(const std::vector<int64_t>& counts) {
  std::vector<double> sorted;
  for (const int64_t n : counts) {
    if (n > 0) sorted.push_back(static_cast<double>(n));
  }
  std::sort(sorted.begin(), sorted.end());
  const size_t half = sorted.size() / 2;
  const double median = sorted.empty() ? 0 : sorted.size() % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  return weights_of(counts, [&](double n) { return median / n; });
}

std::vector<double> parse_per_class(const std::string& spec, const std::vector<std::string>& classes, double missing) {
  const std::string example = example_of(classes);
  std::vector<double> values(classes.size(), missing);
  std::vector<bool> given(classes.size());
  for (size_t at = 0; at < spec.size();) {
    // The longest name that fits: a name may hold commas and equals signs itself.
    size_t c = classes.size();
    for (size_t k = 0; k < classes.size(); ++k) {
      const bool fits = spec.compare(at, classes[k].size() + 1, classes[k] + "=") == 0;
      if (fits && (c == classes.size() || classes[k].size() > classes[c].size())) c = k;
    }
    CP_ENSURE_AS(invalid_argument, c < classes.size(), "\"", spec.substr(at, spec.find(',', at) - at),
                 "\" names no class; write ", example);
    const std::string& name = classes[c];
    at += name.size() + 1;
    const std::string number = spec.substr(at, spec.find(',', at) - at);
    at += number.size() + 1;  // with the comma
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    CP_ENSURE_AS(invalid_argument, !number.empty() && !*end && std::isfinite(value) && value >= 0, "\"", number,
                 "\" for ", name, " is not a number that is zero or more; write ", example);
    CP_ENSURE_AS(invalid_argument, !given[c], "class ", name, " is given twice");
    values[c] = value;
    given[c] = true;
  }
  return values;
}

std::vector<double> parse_class_weights(const std::string& spec, const std::vector<std::string>& classes,
                                        const std::vector<int64_t>& counts) {
  if (spec == "none") return {};
  if (spec == "balanced") return balanced_weights(counts);
  if (spec == "inverse") return inverse_weights(counts);
  if (spec == "sqrt") return inverse_weights(counts, 0.5);
  if (spec == "median") return median_weights(counts);
  const size_t equals = spec.find('=');
  if (spec.substr(0, equals) == "effective") {
    if (equals == std::string::npos) return effective_weights(counts, 0.999);
    const char* number = spec.c_str() + equals + 1;
    char* end = nullptr;
    const double beta = std::strtod(number, &end);
    CP_ENSURE_AS(invalid_argument, *number && !*end && 0 <= beta && beta < 1, "\"", number,
                 "\" is not a beta in [0, 1); write effective=0.999");
    return effective_weights(counts, beta);
  }
  CP_ENSURE_AS(invalid_argument, equals != std::string::npos, "\"", spec,
               "\" is not a scheme; valid are none, balanced, inverse, sqrt, effective=BETA, median, or a weight for "
               "each class: ",
               example_of(classes));
  const std::vector<double> weights = parse_per_class(spec, classes, -1);
  for (size_t c = 0; c < classes.size(); ++c) {
    CP_ENSURE_AS(invalid_argument, weights[c] >= 0, "no weight for class ", classes[c], " in \"", spec, "\"");
    // Beyond, losses and gradients leave the range of f32 whatever the learning rate.
    CP_ENSURE_AS(invalid_argument, weights[c] == 0 || (1e-6 <= weights[c] && weights[c] <= 1e6), "the weight ",
                 weights[c], " of class ", classes[c], " is out of range: 1e-6 to 1e6, or 0");
  }
  const bool some = std::any_of(weights.begin(), weights.end(), [](double w) { return w > 0; });
  CP_ENSURE_AS(invalid_argument, some, "every class has the weight 0 in \"", spec, "\", so that nothing is learned");
  return weights;
}

}  // namespace counterpoise
