// What became of the cells of a comparison, and the files in which that is kept. The functions use no state, so they
// are safe to call from several threads; who writes into a cell's folder holds its claim.
#pragma once

#include <string>
#include <vector>

#include "apps/compare/comparison.h"

namespace counterpoise {

struct Outcome {
  enum State { missing, done, failed } state = missing;
  std::vector<double> values;  // done: of each metric; NaN for one that the result does not define
  std::string failure;         // failed: why
  std::string images = "";     // done: the fingerprint of its images; "" if the result has none
};

// The cell's outcome, from the files in its folder. A result that cannot be read is a failure.
Outcome outcome_of(const Cell& cell, const std::vector<std::string>& metrics);

// Whether the cell's folder holds a result.
bool is_done(const Cell& cell);

// The metric of a result's JSON text: a key, "macro.f1" for a key in an object, or "per_class.dog.recall". What is
// missing at the top is looked for in "macro". NaN if there is none. `path` stands for the text in messages.
double metric_of(const std::string& json, const std::string& metric, const std::string& path);

// Whether smaller values of a metric are better.
bool lower_is_better(const std::string& metric);

// The files that a cell's folder has besides the training's own.
std::string claim_file(const Cell& cell);
std::string log_file(const Cell& cell);
std::string failure_file(const Cell& cell);

// The content of failure_file(), which differs between attempts; "" if there is none.
std::string failure_mark(const Cell& cell);

}  // namespace counterpoise
