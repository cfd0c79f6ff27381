// Processes that share the tests out (main.cpp) run each test once, and a failure in one of them is one of all.
#ifndef __SANITIZE_THREAD__  // which allows no new threads after fork()
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tests/program.h"

using namespace counterpoise;

namespace {

// The tests whose names match, run once more as a program of their own. `way` is how the planted test ends.
Result run_tests(const std::string& flags, const std::string& way = "") {
  return shell("COUNTERPOISE_PLANTED=" + way + " /proc/" + std::to_string(getpid()) + "/exe " + flags);
}

// The numbers of the summary: those that ran, passed, failed.
std::string summary(const Result& r) {
  const size_t at = r.out.find("test cases:");
  REQUIRE(at != std::string::npos);
  std::string numbers;
  for (const char c : r.out.substr(at, r.out.find("skipped", at) - at)) {
    if (c != ' ') numbers += c;
  }
  return numbers;
}

}  // namespace

TEST_CASE("jobs: planted") {
  const char* told = std::getenv("COUNTERPOISE_PLANTED");
  const std::string way = told ? told : "";
  if (way == "check") CHECK(way.empty());
  if (way == "throw") throw std::runtime_error(way);
  if (way == "abort") std::abort();
  if (way == "exit") std::_Exit(0);
}

TEST_CASE("jobs: processes that share the tests out run each once, and notice each way to fail") {
  const std::string some = "-tc='house: every*,house: no*,house: apps*,jobs: planted'";
  const Result alone = must_succeed(run_tests(some)), shared = must_succeed(run_tests(some + " --jobs=3"));
  CHECK(summary(shared) == summary(alone));
  for (const std::string way : {"check", "throw", "abort", "exit"}) {
    CAPTURE(way);
    const Result r = run_tests(some + " --jobs=3", way);
    CHECK(r.code == 1);
    CHECK(contains(summary(r), "|1failed|"));
    CHECK(contains(r.out, "Status: FAILURE!"));
  }
  // Listed are those that match, each by one process.
  CHECK(count(run_tests("-tc='jobs: planted' --jobs=3 -ltc").out, "jobs: planted\n") == 1);
}
#endif
