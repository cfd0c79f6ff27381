#include "apps/trainer/decision.h"

#include <algorithm>

#include "apps/trainer/flags.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

void exchange_classes(Decision& decision, Index outputs) {
  decision.positive = 1 - decision.positive;
  decision.negated = outputs == 1 && !decision.negated;
  decision.shift = 0 - decision.shift;  // (-0 would be printed)
  decision.cut = 0 - decision.cut;
}

std::vector<double> logits(const Tensor& outputs, const Decision& decision) {
  std::vector<double> z = outputs.cast(DType::f64).to_vector<double>();
  const Shape& shape = outputs.shape();
  const double scale = decision.negated ? -decision.temperature : decision.temperature;
  const auto read = [&](double z) { return (z - decision.origin) / scale - decision.shift; };
  if (shape.rank() == 1 || shape[1] == 1) {
    for (double& value : z) value = read(value);
    return z;
  }
  CP_ENSURE(shape.rank() == 2, "logits: outputs of shape ", shape, " are neither one per sample nor one per class");
  const size_t K = shape[1];
  if (K > 2) {
    CP_ENSURE(decision.shifts.empty() || decision.shifts.size() == K, "logits: ", decision.shifts.size(),
              " shifts for ", K, " classes");
    for (size_t i = 0; i < z.size(); ++i) {
      z[i] = z[i] / decision.temperature - (decision.shifts.empty() ? 0 : decision.shifts[i % K]);
    }
    return z;
  }
  std::vector<double> difference(shape[0]);
  for (Index n = 0; n < shape[0]; ++n) {
    difference[n] = read(z[2 * n + decision.positive] - z[2 * n + 1 - decision.positive]);
  }
  return difference;
}

std::vector<int32_t> predicted_classes(const std::vector<double>& logits, size_t classes, const Decision& decision) {
  std::vector<int32_t> predicted;
  if (classes <= 2) {
    for (const double z : logits) predicted.push_back(z >= decision.cut ? decision.positive : 1 - decision.positive);
    return predicted;
  }
  for (auto row = logits.begin(); row != logits.end(); row += static_cast<std::ptrdiff_t>(classes)) {
    predicted.push_back(static_cast<int32_t>(std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row));
  }
  return predicted;
}

double cut_of(const std::string& threshold, const Decision& decision) {
  const double p = parse_number("--threshold", threshold);
  CP_ENSURE_AS(invalid_argument, 0 < p && p < 1, "--threshold ", threshold,
               " is out of range: a probability between 0 and 1");
  return decision.origin != 0 ? p - decision.origin : logit(p);
}

double probability_of(double cut, const Decision& decision) {
  return decision.origin != 0 ? cut + decision.origin : probability(cut);
}

int32_t choose_positive(const std::string& name, const std::vector<std::string>& classes,
                        const std::string& otherwise) {
  if (classes.size() > 2) {
    CP_ENSURE_AS(invalid_argument, name.empty(), "--positive ", name,
                 ": one of two classes can be the positive one, but ", "there are ", classes.size(), ": ",
                 join(classes));
    return 0;
  }
  const auto find = [&](const std::string& wanted) { return std::find(classes.begin(), classes.end(), wanted); };
  const auto found = find(name.empty() ? otherwise : name);
  if (found != classes.end()) return static_cast<int32_t>(found - classes.begin());
  CP_ENSURE_AS(invalid_argument, name.empty(), "--positive: no class \"", name, "\"; the classes are ", join(classes));
  return static_cast<int32_t>(classes.size()) - 1;
}

}  // namespace counterpoise
