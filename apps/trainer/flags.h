// What the programs' command lines share: plain decimal numbers, suggestions for mistyped flags, outputs that are no
// inputs. All functions but parse_command_line() are safe to call from several threads.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "apps/trainer/program.h"
#include "core/nearest_name.h"

namespace CLI {
class App;  // including CLI11 costs three seconds of compilation
}

namespace counterpoise {

// A check for CLI11, which returns "" or an error message: plain decimal numbers, so no "nan", and no "010", which
// would be read as octal.
std::string plain_number(const std::string& given);

// The number that `given` says, or -1 if it is `word`. Throws Error(invalid_argument) for anything else.
double parse_number(const std::string& flag, const std::string& given, const std::string& word = "");

// The group of options that --help leaves out. (An option without a group would have no name in CLI11's messages.)
constexpr const char* hidden_group = "hidden";

// Parses the command line of a program. --help and --version print to stdout and exit with 0. Throws
// Error(invalid_argument) with one line for a wrong command line. Returns the flags that were given, as "--width".
std::set<std::string> parse_command_line(CLI::App& app, int argc, char** argv);

// Throws Error(invalid_argument) if `output`, the file that `flag` names, is one of the inputs by whatever path: to
// write it would replace what was read.
void check_output(const std::string& flag, const std::string& output, const std::vector<std::string>& inputs);

}  // namespace counterpoise
