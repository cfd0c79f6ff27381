#include "losses/class_weights.h"

#include <cmath>
#include <cstdlib>
#include <sstream>

#include "kernels/check.h"

namespace counterpoise {

std::vector<double> balanced_weights(const std::vector<int64_t>& counts) {
  double total = 0;
  for (int64_t count : counts) total += static_cast<double>(count);
  std::vector<double> weights;
  for (int64_t count : counts) {
    weights.push_back(count ? total / (static_cast<double>(counts.size()) * static_cast<double>(count)) : 0);
  }
  return weights;
}

std::vector<double> parse_per_class(const std::string& flag, const std::string& spec,
                                    const std::vector<std::string>& classes, double missing) {
  std::string example;
  for (const std::string& name : classes) example += (example.empty() ? "" : ",") + name + "=NUMBER";
  std::vector<double> values(classes.size(), missing);
  std::vector<bool> given(classes.size());
  std::istringstream in(spec);
  for (std::string item; std::getline(in, item, ',');) {
    const size_t equals = item.find('=');
    const std::string name = item.substr(0, equals);
    size_t c = 0;
    while (c < classes.size() && classes[c] != name) ++c;
    ENSURE_OR(Exit::usage, equals != std::string::npos && c < classes.size(), flag, ": \"", item,
              "\" names no class; write ", example);
    const char* number = item.c_str() + equals + 1;
    char* end = nullptr;
    const double value = std::strtod(number, &end);
    ENSURE_OR(Exit::usage, *number && !*end && std::isfinite(value) && value >= 0, flag, ": \"", number, "\" for ",
              name, " is no number that is zero or more; write ", example);
    ENSURE_OR(Exit::usage, !given[c], flag, ": class ", name, " is given twice");
    values[c] = value;
    given[c] = true;
  }
  return values;
}

std::vector<double> parse_class_weights(const std::string& spec, const std::vector<std::string>& classes,
                                        const std::vector<int64_t>& counts) {
  if (spec == "none") return {};
  if (spec == "balanced") return balanced_weights(counts);
  ENSURE_OR(Exit::usage, !spec.empty(),
            "--class-weights: nothing given; valid are none, balanced, or a weight a class");
  const std::vector<double> weights = parse_per_class("--class-weights", spec, classes, -1);
  for (size_t c = 0; c < classes.size(); ++c) {
    ENSURE_OR(Exit::usage, weights[c] >= 0, "--class-weights: no weight for class ", classes[c], " in \"", spec, "\"");
  }
  return weights;
}

}  // namespace counterpoise
