#include "apps/trainer/program.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <new>

namespace counterpoise {

namespace {

// Flags that may help. The library, which knows no flags, only says what is wrong.
const char* advice(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::out_of_memory:
      return "; try a smaller --batch-size, --image-size or --width";
    case ErrorKind::device:
      return "; --device and --precision choose another";
    default:
      return "";
  }
}

// Whether nobody reads standard output any more, as in `losses list | head -1`.
bool output_pipe_is_closed() {
  pollfd out = {STDOUT_FILENO, 0, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

void report_error(const std::string& name, const std::string& message) {
  std::cerr << name << ": " << printable(message) << std::endl;
}

}  // namespace

Exit exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
      return Exit::usage;
    case ErrorKind::bad_data:
      return Exit::bad_data;
    case ErrorKind::device:
    case ErrorKind::out_of_memory:
      return Exit::device;
    case ErrorKind::diverged:
      return Exit::diverged;
    case ErrorKind::failure:
      break;
  }
  return Exit::failure;
}

int run_program(const std::string& name, const std::function<Exit()>& run) {
  // Writes then fail with an error that is handled: a reader of the messages that ends must not end the program.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  Exit code = Exit::failure;
  try {
    code = run();
    if (!std::cout.flush() && output_pipe_is_closed()) return static_cast<int>(Exit::pipe_closed);
    CP_ENSURE(std::cout.flush(), "the result cannot be written to standard output: is the disk full?");
    return static_cast<int>(code);
  } catch (const Error& error) {
    report_error(name, error.what() + std::string(advice(error.kind())));
    code = exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    report_error(name, std::string("out of memory") + advice(ErrorKind::out_of_memory));
    code = Exit::device;
  } catch (const std::exception& error) {
    report_error(name, error.what());
  }
  return static_cast<int>(code == Exit::ok ? Exit::failure : code);
}

}  // namespace counterpoise
