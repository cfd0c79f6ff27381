#include "apps/compare/outcome.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/io/file.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

using Json = nlohmann::json;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr size_t largest_result = size_t(1) << 28;

// A number at keys that are separated by dots; a list of objects is searched for the one whose "class" is the key.
double number_at(const Json& json, const std::string& keys) {
  if (keys.empty()) return json.is_number() ? json.get<double>() : nan;
  if (json.is_object() && json.contains(keys)) return number_at(json.at(keys), "");  // "f0.5"
  // A class may have a dot in its name, so every dot is tried.
  for (size_t dot = keys.find('.'); dot != std::string::npos; dot = keys.find('.', dot + 1)) {
    const std::string first = keys.substr(0, dot), rest = keys.substr(dot + 1);
    if (json.is_object() && json.contains(first)) return number_at(json.at(first), rest);
    if (!json.is_array()) continue;
    for (const Json& entry : json) {
      if (entry.is_object() && entry.contains("class") && entry.at("class") == first) return number_at(entry, rest);
    }
  }
  return nan;
}

Json parsed(const std::string& text, const std::string& path) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw Error(ErrorKind::bad_data, path, " is not a result: ", error.what(), "; delete it to train again");
  }
}

double metric_in(const Json& result, const std::string& metric) {
  if (result.is_object() && !result.contains(metric) && metric.find('.') == std::string::npos)
    return number_at(result, "macro." + metric);
  return number_at(result, metric);
}

}  // namespace

std::string claim_file(const Cell& cell) { return cell.folder + "/claim"; }
std::string log_file(const Cell& cell) { return cell.folder + "/log.txt"; }
std::string failure_file(const Cell& cell) { return cell.folder + "/failed.txt"; }

bool is_done(const Cell& cell) { return is_there(cell.folder + "/result.json"); }

std::string failure_mark(const Cell& cell) {
  try {
    return is_there(failure_file(cell)) ? read_file(failure_file(cell), 1 << 16) : "";
  } catch (const Error&) {
    return "";  // removed meanwhile, because the cell has started again
  }
}

Outcome outcome_of(const Cell& cell, const std::vector<std::string>& metrics) {
  Outcome outcome;
  const std::string path = cell.folder + "/result.json";
  if (is_done(cell)) {
    try {
      const Json result = parsed(read_file(path, largest_result), path);
      for (const std::string& metric : metrics) outcome.values.push_back(metric_in(result, metric));
      const bool has_images = result.is_object() && result.contains("data_fingerprint");
      if (has_images && result["data_fingerprint"].is_string()) outcome.images = result["data_fingerprint"];
      outcome.state = Outcome::done;
    } catch (const Error& error) {
      outcome.state = Outcome::failed;
      outcome.failure = error.what();
    }
    return outcome;
  }
  const std::string mark = failure_mark(cell);
  if (mark.empty()) return outcome;
  outcome.state = Outcome::failed;
  outcome.failure = mark.substr(0, mark.find('\n'));
  return outcome;
}

double metric_of(const std::string& json, const std::string& metric, const std::string& path) {
  return metric_in(parsed(json, path), metric);
}

bool lower_is_better(const std::string& metric) {
  static const std::set<std::string> lower = {
      "log_loss", "brier", "expected_calibration_error", "maximum_calibration_error", "fp", "fn"};
  return lower.count(metric.substr(metric.rfind('.') == std::string::npos ? 0 : metric.rfind('.') + 1)) > 0;
}

}  // namespace counterpoise
