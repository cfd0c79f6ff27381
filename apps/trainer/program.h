// What main() of every program does: run it, print an error as one line, and return an exit code.
#pragma once

#include <functional>
#include <string>

#include "apps/trainer/format.h"

namespace counterpoise {

// Exit codes of every program in apps/.
enum class Exit : int {
  ok = 0,
  failure = 1,        // something failed while running: an unwritable file, a full disk, a bug
  usage = 2,          // wrong command line
  bad_data = 3,       // unusable data set, image or weights
  device = 4,         // device missing or out of memory
  diverged = 5,       // training reached NaN or infinity
  interrupted = 130,  // SIGINT, after saving
  pipe_closed = 141,  // the reader of standard output has ended: what SIGPIPE, which is ignored, would return
  terminated = 143,   // SIGTERM, after saving; likewise 129 for SIGHUP
};

// The exit code that stands for a kind of error.
Exit exit_code(ErrorKind kind);

// Ignores SIGPIPE and SIGXFSZ, calls run() and flushes standard output. An exception becomes one line "NAME: ..." on
// stderr, for some kinds of error with flags that may help, and the exit code of its kind; one that cannot be caught,
// as in a destructor, becomes a line, too, and ends the program with `device` for lack of memory, or `failure`. Returns
// the exit code for main(), whose thread calls it.
int run_program(const std::string& name, const std::function<Exit()>& run);

// The name that run_program() got.
const std::string& program_name();
// What the user types to start the program: "./apps/catdog" where it lies in a folder apps/, as it does where it was
// built, else what was typed, such as the name of an installed program, "counterpoise-catdog".
const std::string& program_command();
// How the command line of a command begins: "./apps/catdog metrics".
std::string usage(const std::string& command);

// Calls make(), and puts `flag` before the message of an Error: "--mix: ...", for values that the library parses.
template <class Make>
auto with_flag(const std::string& flag, const Make& make) -> decltype(make()) {
  try {
    return make();
  } catch (const Error& error) {
    throw Error(error.kind(), flag, ": ", error.what());
  }
}

}  // namespace counterpoise
