#include "apps/trainer/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
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

std::string& name_of_program() {
  static std::string name = "counterpoise";
  return name;
}

std::string& command_of_program() {
  static std::string command = "./apps/" + name_of_program();
  return command;
}

char line_at_the_end[200];  // made in time, because there may be no memory when it is needed

void write_to_stderr(const char* text) {
  const ssize_t unused = write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(unused);
}

// For an exception that cannot be caught: from a destructor while another one is handled, or out of a thread. That
// happens when memory is used up, and destructors and handlers need some.
[[noreturn]] void end_in_one_line() {
  static std::atomic<int> calls{0};
  if (calls++ == 0) {  // else there was no memory for a copy of the exception
    try {
      if (std::exception_ptr current = std::current_exception()) std::rethrow_exception(current);
    } catch (const std::bad_alloc&) {
    } catch (const std::exception& error) {
      write_to_stderr("internal error: ");
      write_to_stderr(error.what());
      write_to_stderr("\n");
      std::_Exit(static_cast<int>(Exit::failure));
    } catch (...) {
    }
  }
  write_to_stderr(line_at_the_end);
  std::_Exit(static_cast<int>(Exit::device));
}

void prepare_to_end(const char* name) {
  std::snprintf(line_at_the_end, sizeof line_at_the_end, "%s: out of memory%s\n", name,
                advice(ErrorKind::out_of_memory));
  std::set_terminate(end_in_one_line);
}

// OpenBLAS starts threads before main(), which we do not use. Where memory is limited they repeat a failing allocation
// for ever, and the end of the process waits for them. It reads how many to start from the environment, so the program
// is started again with that.
void start_without_blas_threads(char** argv) {
  constexpr const char* variable = "OPENBLAS_NUM_THREADS";
  rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || std::getenv(variable) != nullptr) return;
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  if (length <= 0 || setenv(variable, "1", 1) != 0) return;
  self[length] = '\0';
  execv(self, argv);  // returns only if it fails; then the program goes on as it is
}

// A standard stream that is closed, as with >&-, leaves its number to the next file that is opened, into which messages
// would then be written. So the number is taken by a file of the other direction: its use fails as before.
void take_numbers_of_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    const int unused = open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // takes the lowest free number
    static_cast<void>(unused);
  }
}

// Runs before the constructors of global variables, which need memory, too.
__attribute__((constructor(101))) void start(int, char** argv, char**) {
  take_numbers_of_standard_streams();
  prepare_to_end(program_invocation_short_name);
  start_without_blas_threads(argv);
}

// Whether nobody reads standard output any more, as in `losses list | head -1`.
bool output_pipe_is_closed() {
  pollfd out = {STDOUT_FILENO, 0, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

// A message that repeats a long line of a file, such as the names of ten thousand columns, loses its middle.
void report_error(const std::string& name, const std::string& message) {
  constexpr size_t longest = 2000, end = 500;
  const size_t n = message.size();
  const std::string text =
      n <= longest ? message : message.substr(0, longest - end) + " ... " + message.substr(n - end);
  std::cerr << name << ": " << printable(text) << std::endl;
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

const std::string& program_name() { return name_of_program(); }

const std::string& program_command() { return command_of_program(); }

std::string usage(const std::string& command) { return program_command() + " " + command; }

int run_program(const std::string& name, const std::function<Exit()>& run) {
  name_of_program() = name;
  const std::string typed = program_invocation_name, folder = typed.substr(0, typed.rfind('/') + 1);
  const std::string from_root = "/" + folder, apps = "/apps/";
  const bool in_apps =
      from_root.size() >= apps.size() && from_root.compare(from_root.size() - apps.size(), apps.size(), apps) == 0;
  command_of_program() = in_apps ? "./apps/" + name : typed;
  prepare_to_end(name.c_str());
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
