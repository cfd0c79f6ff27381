// The table of a comparison: the techniques' metrics over seeds and folds, and how each differs from the first row. It
// depends on the cells' outcomes alone, so that shards, and a comparison that was killed and continued, end with the
// same bytes. The functions are pure, so they are safe to call from several threads.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/compare/comparison.h"
#include "apps/compare/outcome.h"
#include "apps/compare/statistics.h"

namespace counterpoise {

class ComparisonTable {
 public:
  // `outcomes` has one entry per cell.
  ComparisonTable(Comparison comparison, std::vector<Cell> cells, std::vector<Outcome> outcomes);

  // A Markdown table with a note on how to read it, the trainings that failed and how many are missing, and
  // other_images().
  std::string markdown() const;
  // A line per technique and metric. An undefined number is an empty field.
  std::string csv() const;
  // {"summary": [...], "trainings": [...]}: the lines of csv(), and every training with its values and folder, which is
  // relative to that of the comparison, `directory`.
  nlohmann::ordered_json json(const std::string& directory) const;

  // Which seeds and folds have trainings with different images, in a line that begins with an empty one; "" if none.
  std::string other_images() const;

  size_t failed() const { return failed_; }
  size_t missing() const { return missing_; }

 private:
  // A technique's values of a metric, by Cell::index.
  struct Entry {
    std::vector<double> values;
    Summary summary;
    Paired to_first;
    bool bold = false;
  };

  void mark_best(size_t metric);
  std::string failures() const;

  const Comparison comparison_;
  const std::vector<Cell> cells_;
  const std::vector<Outcome> outcomes_;
  std::vector<std::vector<Entry>> entries_;  // by metric, then by row
  std::vector<size_t> done_;                 // by row: complete trainings
  size_t failed_ = 0, missing_ = 0;
  std::map<std::string, size_t> undefined_;  // values of each metric that are NaN
};

}  // namespace counterpoise
