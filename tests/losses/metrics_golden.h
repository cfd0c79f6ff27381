// What the tests of metrics share: golden/metrics.json and golden/scores.json, which golden/make_metrics.py and
// golden/make_scores.py wrote, and how to compare with them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "losses/metrics/confusion.h"
#include "tests/golden.h"

namespace counterpoise {

using List = std::vector<double>;
using Flags = std::vector<bool>;
using Json = nlohmann::json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
const double kPolicies[] = {0, 1, kNaN};

inline const Json& golden() { return read_golden("losses/golden/metrics.json"); }
inline const Json& golden_scores() { return read_golden("losses/golden/scores.json"); }

inline double number(const Json& x) { return x.is_null() ? kNaN : x.get<double>(); }

inline List list(const Json& array) {
  List y;
  for (const Json& x : array) y.push_back(number(x));
  return y;
}

inline Flags flags(const Json& array) {
  Flags y;
  for (const Json& x : array) y.push_back(x.get<int>() != 0);
  return y;
}

inline bool same(double a, double b) { return std::isnan(b) ? std::isnan(a) : std::fabs(a - b) <= 1e-12; }

inline bool same(const List& a, const List& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return same(x, y) || x == y; });
}

inline List four(const Confusion& c) { return {double(c.tp), double(c.fp), double(c.fn), double(c.tn)}; }

// The metrics that have a zero_division, by their names in the file.
inline const std::vector<std::pair<const char*, std::function<double(const Confusion&, double)>>>& ratios() {
  static const std::vector<std::pair<const char*, std::function<double(const Confusion&, double)>>> all = {
      {"precision", &Confusion::precision},
      {"recall", &Confusion::recall},
      {"f1", &Confusion::f1},
      {"f0.5", [](const Confusion& c, double zero) { return c.f_beta(0.5, zero); }},
      {"f2", [](const Confusion& c, double zero) { return c.f_beta(2, zero); }},
  };
  return all;
}

}  // namespace counterpoise
