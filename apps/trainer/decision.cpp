#include "apps/trainer/decision.h"

#include "apps/trainer/flags.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

std::vector<double> logits(const Tensor& outputs, const Decision& decision) {
  std::vector<double> z = outputs.cast(DType::f64).to_vector<double>();
  const Shape& shape = outputs.shape();
  const auto read = [&](double z) { return (z - decision.origin) / decision.temperature - decision.shift; };
  if (shape.rank() == 1 || shape[1] == 1) {
    for (double& value : z) value = read(value);
    return z;
  }
  CP_ENSURE(shape[1] == 2, "logits: outputs of shape ", shape,
            " are neither one per sample nor one for each of two classes");
  std::vector<double> difference(shape[0]);
  for (Index n = 0; n < shape[0]; ++n) {
    difference[n] = read(z[2 * n + decision.positive] - z[2 * n + 1 - decision.positive]);
  }
  return difference;
}

double cut_of(const std::string& threshold, const Decision& decision) {
  const double p = parse_number("--threshold", threshold);
  CP_ENSURE_AS(invalid_argument, 0 < p && p < 1, "--threshold ", threshold,
               " is out of range: a probability between 0 and 1");
  return decision.origin != 0 ? p - decision.origin : logit(p);
}

int32_t choose_positive(const std::string& name, const std::vector<std::string>& classes) {
  const std::string all = join(classes);
  CP_ENSURE_AS(bad_data, classes.size() == 2, "catdog tells two classes apart, but the data set has ", classes.size(),
               ": ", all);
  for (size_t c = 0; c < classes.size(); ++c) {
    if (classes[c] == (name.empty() ? "cat" : name)) return static_cast<int32_t>(c);
  }
  CP_ENSURE_AS(invalid_argument, name.empty(), "--positive: no class \"", name, "\"; the classes are ", all);
  return 1;
}

}  // namespace counterpoise
