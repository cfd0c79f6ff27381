// Command lines as text: what a shell would make of it, and the text that a shell would read back. The functions use no
// state, so they are safe to call from several threads.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace counterpoise {

// The arguments in a text, as a POSIX shell splits it where nothing is expanded: spaces separate arguments except in
// '...' and "..."; a backslash takes the next character as it is (in "..." only before ", \, $ and `), and $, * and ~
// are plain characters. With `comments`, a # at the start of a word begins a comment. Throws Error(invalid_argument)
// for a quotation mark that is not closed and for a backslash at the end.
std::vector<std::string> split_arguments(const std::string& text, bool comments = false);

// The arguments as one line, quoted where that is needed, so that split_arguments() returns them again.
std::string quoted(const std::vector<std::string>& arguments);

// Whether an argument is an option, "--lr" or "-b", rather than a value such as "-0.5".
bool is_flag(const std::string& argument);

// The options in a list of arguments and the value of each: "--lr" -> "0.1", "--nesterov" -> "". Of an option that is
// repeated the last value stays, as on the command line. Throws Error(invalid_argument) for a value without an option.
std::map<std::string, std::string> flags_in(const std::vector<std::string>& arguments);

}  // namespace counterpoise
