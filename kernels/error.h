// Errors. A function that is asked for something impossible throws; main() prints the message as one
// line and ends with the error's exit code. A message names the operation, what it was given and what to do:
//
//   ENSURE(c == wc, "conv2d: x has C=", c, " but w expects C=", wc);
//
// The macro is not called CHECK because doctest, which our tests use, has that name.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace counterpoise {

// Exit codes of every program in apps/.
enum class Exit : int {
  ok = 0,
  failure = 1,        // something failed while running: an unwritable file, a full disk, a bug
  usage = 2,          // a wrong command line
  bad_data = 3,       // an unusable data set, picture or weight file
  no_device = 4,      // the device is missing, or out of memory
  diverged = 5,       // training reached NaN or infinity
  interrupted = 130,  // SIGINT, after saving
  terminated = 143,   // SIGTERM, after saving; likewise 129 for SIGHUP
};

class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, Exit code = Exit::failure) : std::runtime_error(message), code_(code) {}
  Exit code() const { return code_; }

 private:
  Exit code_;
};

// The concatenation of its arguments as `operator<<` prints them: text("C=", 3) is "C=3".
template <class... Args>
std::string text(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return out.str();
}

// {"cat", "dog"} as "cat, dog".
template <class Strings>
std::string join(const Strings& strings) {
  std::string y;
  for (const std::string& s : strings) y += (y.empty() ? "" : ", ") + s;
  return y;
}

}  // namespace counterpoise

// Throws Error(message) unless the condition holds; the message is only built when it does not.
#define ENSURE(condition, ...)                                                        \
  do {                                                                                \
    if (!(condition)) throw ::counterpoise::Error(::counterpoise::text(__VA_ARGS__)); \
  } while (false)

// The same with an exit code: ENSURE_OR(Exit::bad_data, n > 0, "no pictures in ", dir).
#define ENSURE_OR(code, condition, ...)                                                     \
  do {                                                                                      \
    if (!(condition)) throw ::counterpoise::Error(::counterpoise::text(__VA_ARGS__), code); \
  } while (false)
