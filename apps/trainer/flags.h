// What the programs' command lines share: numbers as people write them, and guesses at mistyped names.
#pragma once

#include <CLI/CLI.hpp>
#include <set>
#include <string>
#include <vector>

#include "apps/trainer/program.h"

namespace counterpoise {

// The name in `known` that is nearest to a mistyped `given`; "" if none is near.
std::string nearest(const std::string& given, const std::vector<std::string>& known);

// A check for CLI11, which returns "" or an error message: numbers as people write them, so no "nan", and no "010",
// which would be read as octal.
std::string plain_number(const std::string& given);

// The number that `given` says, or -1 if it is `word`. Throws Error(invalid_argument) for anything else.
double parse_number(const std::string& flag, const std::string& given, const std::string& word = "");

// The command line of a program: takes argv apart, prints --help and --version and then ends the program, and makes one
// clear line of whatever is wrong (Error(invalid_argument)). Returns the flags that were given, as "--width".
std::set<std::string> parse_command_line(CLI::App& app, int argc, char** argv);

}  // namespace counterpoise
