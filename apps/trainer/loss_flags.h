// Command-line flags for the parameters of losses. An object is used by one thread at a time.
#pragma once

#include <map>
#include <set>
#include <string>

#include "losses/registry.h"

namespace CLI {
class App;
}

namespace counterpoise {

// A flag for each parameter of any loss: --gamma, --alpha, ...
class LossFlags {
 public:
  // Adds the flags, with help texts from the registry's rows. This object must outlive the parsing.
  void add_to(CLI::App& app, const std::string& group);
  // After parsing: the parameters among `flags`, the flags that were given, by name, as they were given.
  std::map<std::string, std::string> given(const std::set<std::string>& flags) const;

 private:
  std::map<std::string, std::string> values_;  // as given, by the parameters' names
};

// Given parameters of a loss, for resolve(). Throws Error(invalid_argument) for what is neither a number nor the word
// that the parameter takes.
LossParams parse_loss_params(const LossInfo& loss, const std::map<std::string, std::string>& given);

}  // namespace counterpoise
