// The table of optimizers. One row per optimizer: the command line, --help and the tests are made from it, so that
// adding an optimizer means one formula (kernels/updates.h) and one row.
//
// Thread safety: the table is constant; all functions here may be called from several threads at once.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace counterpoise {

struct Update;  // kernels/updates.h

// Hyper-parameters by name: {"lr", 0.01}, {"momentum", 0.9}.
using OptimizerParams = std::map<std::string, double>;

struct OptimizerParam {
  enum Kind { number, flag };

  std::string name;   // as PyTorch's, with hyphens: "weight-decay"
  double value;       // the default
  double low, below;  // allowed: low <= value < below
  std::string help;
  Kind kind = number;  // a flag is 0 or 1
};

struct OptimizerInfo {
  std::string name;
  std::string help;
  std::string source;  // the paper
  std::vector<OptimizerParam> params;
  Update (*make)(const OptimizerParams& p);  // the formula; p has a value in its range for each of `params`
};

const std::vector<OptimizerInfo>& optimizers();
std::vector<std::string> optimizer_names();
// Throws Error(invalid_argument), which lists the valid names, for others.
const OptimizerInfo& find_optimizer(const std::string& name);

// The formula of the optimizer of that name with its defaults, which are PyTorch's, overridden by `given`. Throws
// Error(invalid_argument) for an unknown name, for a parameter that the optimizer does not take (the message lists
// those it does) and for a value out of range.
Update make_update(const std::string& name, const OptimizerParams& given = {});

}  // namespace counterpoise
