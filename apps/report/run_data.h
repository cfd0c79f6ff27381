// The files of a run's folder, read for its report.
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apps/report/html.h"

namespace counterpoise::html_report {

// Logits of the images of a split.
struct Predictions {
  std::vector<std::string> paths;
  std::vector<int32_t> labels;     // indices into the run's classes
  std::vector<int32_t> predicted;  // the same; for more than two classes only
  std::vector<double> logits;      // [N] of the positive class, or [N, K]

  size_t size() const { return labels.size(); }
  // Which of them are of a class.
  std::vector<bool> are(int32_t label) const;
};

// A 95% interval of a metric.
struct Interval {
  double low = NAN, high = NAN;
  bool known() const { return std::isfinite(low) && std::isfinite(high); }
};

struct Run {
  std::string folder, name;
  Json result;
  std::vector<std::string> classes;
  int32_t positive = -1;                              // the index of the positive class; -1 for more than two classes
  Predictions reported, validation;                   // empty where the file is missing
  std::map<std::string, std::vector<double>> epochs;  // the columns of epochs.csv, NaN where a field is empty
  std::map<std::string, std::vector<double>> search;  // the same of autobalance.csv

  bool two_classes() const { return positive >= 0; }
  size_t count() const { return classes.size(); }
  const std::string& positive_name() const { return classes[positive]; }
  const std::string& negative_name() const { return classes[1 - positive]; }
  // What the result is of: "test", "validation", or "all" where no image was set apart.
  std::string split() const;
  // "test images", "validation images" or "images".
  std::string images() const;
  // The epoch whose weights the result is of; 0 if it is not known.
  int epoch() const;
  // The interval of a metric such as "f1"; not known where the result has none.
  Interval interval(const std::string& metric) const;
  // The column of epochs.csv; empty where it is missing or holds no number.
  std::vector<double> column(const std::string& name) const;
  // The confusion matrix [K, K], rows actual; empty if neither the result nor the predictions say, and
  // for more than 2000 classes.
  std::vector<std::vector<int64_t>> confusion() const;
};

// Throws Error(bad_data) if result.json is missing, and if a file is there but cannot be understood.
Run read_run(const std::string& folder);

}  // namespace counterpoise::html_report
