// What many tests need: a folder of their own, the message of an error, searches in texts, a mark for slow tests.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/error.h"

namespace counterpoise {

// A new folder, which is removed with its content.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    char name[] = "/tmp/counterpoise-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// The message of the Error of this kind that run() must throw.
template <class Run>
std::string error_of(const Run& run, ErrorKind kind = ErrorKind::failure) {
  try {
    run();
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    return error.what();
  }
  FAIL("an error was expected");
  return "";
}

// The folder of the source files, where the golden files are: the one that the tests were built in, or
// COUNTERPOISE_SOURCE of the environment if it was moved.
inline std::string source_folder() {
  const char* moved = std::getenv("COUNTERPOISE_SOURCE");
  return moved ? moved : SOURCE_DIR;
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// How often a text has a part.
inline size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// How a process that runs act() ends: its exit code, 0 if act() returns and 98 if it throws, or minus the signal that
// ended it.
template <class Act>
int outcome_of(const Act& act) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // which must not go on with the tests
    try {
      act();
    } catch (...) {
      _exit(98);
    }
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// TEST_CASE("..." * slow()): a test of more than about 0.3 seconds.
inline doctest::test_suite slow() { return doctest::test_suite("slow"); }

}  // namespace counterpoise
