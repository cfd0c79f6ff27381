// Errors: what a function throws when it cannot do what it was asked to do.
//
// An Error has a kind, for programs to act on, and a message of one line, human-readable. The message names the
// operation, what it was given and what to do:
//
//   CP_ENSURE(c == wc, "conv2d: x has C=", c, " but w expects C=", wc);
//
// The library knows neither command-line flags nor exit codes; a program maps kinds to its codes and names its flags.
// All functions here may be called from any thread.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace counterpoise {

enum class ErrorKind {
  failure,           // something failed at run time: a file that cannot be written, a full disk, a wrong shape, a bug
  invalid_argument,  // a value that the function does not accept: an unknown name, a number out of range
  bad_data,          // an unusable data set, image or weight file
  device,            // the device is missing, or cannot do what was requested
  out_of_memory,     // the device has no memory left
  diverged,          // training reached NaN or infinity
};

namespace detail {

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

}  // namespace detail

class Error : public std::runtime_error {
 public:
  // The message is the concatenation of `parts`.
  template <class... Parts>
  explicit Error(ErrorKind kind, const Parts&... parts) : std::runtime_error(detail::text(parts...)), kind_(kind) {}

  ErrorKind kind() const { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace counterpoise

// Throws an Error of the kind `failure` unless the condition holds; the message is only built when it does not.
#define CP_ENSURE(condition, ...) CP_ENSURE_AS(failure, condition, __VA_ARGS__)

// The same with another kind: CP_ENSURE_AS(bad_data, n > 0, "no images in ", dir).
#define CP_ENSURE_AS(kind, condition, ...)                                                       \
  do {                                                                                           \
    if (!(condition)) throw ::counterpoise::Error(::counterpoise::ErrorKind::kind, __VA_ARGS__); \
  } while (false)
