#include "apps/trainer/program.h"

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
  Exit code = Exit::failure;
  try {
    code = run();
    CP_ENSURE(std::cout.flush(), "the result cannot be written to standard output: is the disk full?");
    return static_cast<int>(code);
  } catch (const Error& error) {
    std::cerr << name << ": " << error.what() << advice(error.kind()) << '\n';
    code = exit_code(error.kind());
  } catch (const std::bad_alloc&) {
    std::cerr << name << ": out of memory" << advice(ErrorKind::out_of_memory) << '\n';
    code = Exit::device;
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
  }
  return static_cast<int>(code == Exit::ok ? Exit::failure : code);
}

}  // namespace counterpoise
