// What the programs' command lines share: numbers as people write them, guesses at mistyped names, and a flag for every
// parameter of every loss.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "apps/trainer/program.h"
#include "losses/registry.h"

namespace counterpoise {

// The one of `known` that is nearest to a mistyped `given`; "" if none is near.
std::string nearest(const std::string& given, const std::vector<std::string>& known);

// A number as people write it: no "nan", and no "010", which would be read as octal. "" or what is wrong, for CLI11.
std::string plain_number(const std::string& given);

// A number, or `word`, which gives -1. Throws Error(invalid_argument) for anything else.
double parse_number(const std::string& flag, const std::string& given, const std::string& word = "");

// The command line of a program: takes argv apart, prints --help and --version and then ends the program, and makes one
// clear line of whatever is wrong (Error(invalid_argument)). Returns the flags that were given, as "--width".
std::set<std::string> parse_command_line(CLI::App& app, int argc, char** argv);

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
