// Runs our programs as users do: as processes, judged by what they print, write and return.
#pragma once

#include <sys/wait.h>

#include <unistd.h>

#include <cstdlib>
#include <string>

#include "core/io/file.h"
#include "tests/support.h"

namespace counterpoise {

struct Result {
  int code;
  std::string out, err, command;
};

inline std::string slurp(const std::string& path) { return read_file(path, size_t(1) << 28); }

// The path of one of our programs, which lie beside that of the tests.
inline std::string program(const std::string& name) {
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self);
  REQUIRE(length > 0);
  const std::string path(self, static_cast<size_t>(length));
  return path.substr(0, path.rfind('/')) + "/apps/" + name;
}

// Hides GPUs from the programs, so that they compute on the CPU on every machine. A command may show them again.
constexpr const char* hide_gpus = "export CUDA_VISIBLE_DEVICES= CUDA_EMULATOR=gpus=0; ";

// Runs a shell command line. A training without --output writes into a folder that is removed afterwards.
inline Result shell(const std::string& command) {
  const TemporaryFolder scratch;
  setenv("COUNTERPOISE_RUNS", (scratch / "runs").c_str(), 1);
  const int status = std::system(
      (hide_gpus + ("( " + command) + " ) >" + (scratch / "out") + " 2>" + (scratch / "err") + " </dev/null").c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), slurp(scratch / "out"),
          slurp(scratch / "err"), command};
}

// The result of a program that has to succeed.
inline Result must_succeed(const Result& r) {
  CAPTURE(r.command);
  REQUIRE_MESSAGE(r.code == 0, r.err);
  return r;
}

// The last line of a text: of stderr it is a failing program's explanation.
inline std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return "";
  const size_t start = text.rfind('\n', end);
  return text.substr(start == std::string::npos ? 0 : start + 1,
                     end - (start == std::string::npos ? 0 : start + 1) + 1);
}

// Checks a failure: the exit code, a last line "NAME: ..." on stderr that contains `part`, and nothing on stdout.
inline void check_program_fails(const std::string& program, const std::string& arguments, int code,
                                const std::string& part) {
  const Result r = shell(program + " " + arguments);
  CAPTURE(arguments);
  CAPTURE(r.err);
  CHECK(r.code == code);
  CHECK(r.out == "");
  CHECK(last_line(r.err).rfind(program.substr(program.rfind('/') + 1) + ": ", 0) == 0);
  CHECK_MESSAGE(contains(last_line(r.err), part), "expected: ", part);
}

}  // namespace counterpoise
