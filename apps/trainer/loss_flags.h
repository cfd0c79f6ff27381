// A flag for every parameter of every loss.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <set>
#include <string>

#include "losses/registry.h"

namespace counterpoise {

// A flag for each parameter that some loss has: --gamma, --alpha, ...
class LossFlags {
 public:
  void add_to(CLI::App& app, const std::string& group);
  // The parameters on the command line, as resolve() takes them.
  LossParams given(const LossInfo& loss, const std::set<std::string>& flags) const;

 private:
  std::map<std::string, std::string> values_;
};

}  // namespace counterpoise
