#include "losses/metrics/threshold_rule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <locale>
#include <sstream>

#include "core/text.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

// Equal fractions may be rounded differently; the choice of a threshold must not depend on that.
constexpr double kTolerance = 1e-12;

// Whether a is above b by more than roundings. These are in proportion to the numbers, which may be very small: a false
// positive's part of the cost, if a false negative costs a million times as much.
bool exceeds(double a, double b) { return a - b > kTolerance * std::max(std::fabs(a), std::fabs(b)); }

// A number that is the whole text; false for others.
bool read_number(const std::string& text, double& number) {
  std::istringstream in(text);
  in.imbue(std::locale::classic());
  in >> std::noskipws >> number;
  return !in.fail() && in.eof() && std::isfinite(number);
}

// Why the rule cannot be used; empty if it can.
std::string complaint(const ThresholdRule& rule) {
  switch (rule.kind) {
    case ThresholdRule::metric: {
      const std::vector<std::string>& names = tunable_metrics();
      if (std::find(names.begin(), names.end(), rule.metric_name) != names.end()) return "";
      return detail::text("no threshold can be chosen for the metric \"", rule.metric_name, "\"");
    }
    case ThresholdRule::recall:
    case ThresholdRule::precision:
      if (0 < rule.target && rule.target <= 1) return "";
      return detail::text("a ", rule.kind == ThresholdRule::recall ? "recall" : "precision", " of ", rule.target,
                          " cannot be required; it must be above 0 and at most 1");
    case ThresholdRule::cost:
      if (rule.cost_fn >= 0 && rule.cost_fp >= 0 && rule.cost_fn + rule.cost_fp > 0 &&
          std::isfinite(rule.cost_fn + rule.cost_fp)) {
        return "";
      }
      return detail::text("the costs fn=", rule.cost_fn, ",fp=", rule.cost_fp,
                          " must be finite numbers of zero or more, and not both 0");
  }
  return "unknown kind of rule";
}

// fn=10,fp=1, each at most once.
bool read_costs(const std::string& text, ThresholdRule& rule) {
  bool fn = false, fp = false;
  std::istringstream in(text);
  std::string part;
  while (std::getline(in, part, ',')) {
    const bool is_fn = part.rfind("fn=", 0) == 0;
    if (!is_fn && part.rfind("fp=", 0) != 0) return false;
    bool& given = is_fn ? fn : fp;
    if (given || !read_number(part.substr(3), is_fn ? rule.cost_fn : rule.cost_fp)) return false;
    given = true;
  }
  return (fn || fp) && text.back() != ',';
}

// Chooses among the thresholds from the lowest to the highest.
struct Choice {
  bool found = false;
  BestThreshold best = {0, 0};
  double second = 0;

  // Takes the place of the present choice if it is better.
  void offer(double threshold, double value, double its_second) {
    const bool better =
        !found || exceeds(value, best.value) || (!exceeds(best.value, value) && exceeds(its_second, second));
    if (!better) return;
    found = true;
    best = {threshold, value};
    second = its_second;
  }
};

}  // namespace

ThresholdRule parse_threshold_rule(const std::string& text) {
  ThresholdRule rule;
  bool readable = true;
  if (text.rfind("recall=", 0) == 0) {
    rule.kind = ThresholdRule::recall;
    readable = read_number(text.substr(7), rule.target);
  } else if (text.rfind("precision=", 0) == 0) {
    rule.kind = ThresholdRule::precision;
    readable = read_number(text.substr(10), rule.target);
  } else if (text.rfind("cost ", 0) == 0 || text.rfind("fn=", 0) == 0 || text.rfind("fp=", 0) == 0) {
    rule.kind = ThresholdRule::cost;
    readable = read_costs(text.rfind("cost ", 0) == 0 ? text.substr(5) : text, rule);
  } else {
    rule.metric_name = text;
  }
  const std::string wrong = readable ? complaint(rule) : detail::text("\"", text, "\" is not a rule for a threshold");
  CP_ENSURE_AS(invalid_argument, wrong.empty(), wrong, "; valid are ", detail::join(tunable_metrics()),
               ", recall=R, precision=P and fn=COST,fp=COST");
  return rule;
}

std::string to_string(const ThresholdRule& rule) {
  switch (rule.kind) {
    case ThresholdRule::metric:
      return rule.metric_name;
    case ThresholdRule::recall:
      return "recall=" + detail::shortest_text(rule.target);
    case ThresholdRule::precision:
      return "precision=" + detail::shortest_text(rule.target);
    case ThresholdRule::cost:
      break;
  }
  return "cost fn=" + detail::shortest_text(rule.cost_fn) + ",fp=" + detail::shortest_text(rule.cost_fp);
}

BestThreshold best_threshold(const SortedScores& scores, const ThresholdRule& rule) {
  const std::string wrong = complaint(rule);
  CP_ENSURE_AS(invalid_argument, wrong.empty(), wrong);
  const bool by_cost = rule.kind == ThresholdRule::cost, by_metric = rule.kind == ThresholdRule::metric;
  const auto require = [&](bool enough, const char* of_which) {
    CP_ENSURE_AS(bad_data, enough, "no threshold can be chosen by \"", to_string(rule), "\": there are no ", of_which,
                 " samples");
  };
  require(by_cost || scores.positives() > 0, "positive");
  require(!by_metric || scores.negatives() > 0, "negative");
  if (by_metric) return best_threshold(scores, rule.metric_name);
  const double all = static_cast<double>(scores.positives() + scores.negatives());
  // In units of the sum of the costs, so that nothing overflows or is lost below the smallest number.
  const double unit = rule.cost_fn + rule.cost_fp;
  const auto cost = [&](const Confusion& c) {
    return (rule.cost_fn / unit * static_cast<double>(c.fn) + rule.cost_fp / unit * static_cast<double>(c.fp)) / all;
  };
  Choice choice;
  double best_precision = 0, its_recall = 0;
  const double highest = scores.ascend([&](double threshold, const Confusion& c) {
    const double precision = c.precision(), recall = c.recall();
    if (by_cost) {
      choice.offer(threshold, -cost(c), 0);
    } else if (rule.kind == ThresholdRule::recall) {
      if (recall >= rule.target - kTolerance) choice.offer(threshold, precision, recall);
    } else {
      if (precision >= rule.target - kTolerance) choice.offer(threshold, recall, precision);
      if (exceeds(precision, best_precision)) best_precision = precision, its_recall = recall;
    }
  });
  if (by_cost) {
    const double infinity = std::numeric_limits<double>::infinity();
    const Confusion none = {0, 0, scores.positives(), scores.negatives()};
    if (highest < infinity) choice.offer(std::nextafter(highest, infinity), -cost(none), 0);
    return {choice.best.threshold, -choice.best.value * unit};
  }
  CP_ENSURE_AS(bad_data, choice.found, "no threshold reaches a precision of ", rule.target, "; the best is ",
               best_precision, ", with a recall of ", its_recall);
  return choice.best;
}

BestThreshold best_threshold(const std::vector<double>& scores, const std::vector<bool>& is_positive,
                             const ThresholdRule& rule) {
  return best_threshold(SortedScores(scores, is_positive), rule);
}

}  // namespace counterpoise
