// The entry point of the tests. Run all with `make test`, some with `make test TEST_ARGS="-tc='focal*'"`.
//
// --jobs=N shares them out among N processes, of which each runs every N-th. What they printed follows when all have
// ended, with one summary.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernels/backend.h"
#include "tests/gpu.h"

// Nothing that a test or a program of it finds out about a GPU is kept in the user's folder. (Before other
// initializers.)
__attribute__((constructor(101))) static void keep_no_cache() { setenv("COUNTERPOISE_CACHE", "", 1); }

namespace counterpoise {

namespace {
struct Noted {
  const char* name;
  bool emulated;
};
std::vector<Noted>& noted() {
  static std::vector<Noted> all;
  return all;
}
}  // namespace

void NeedsGpu::fill(doctest::detail::TestCase& test) const { noted().push_back({test.m_name, emulated}); }

std::vector<std::string> tests_without_their_gpu() {
  Backend* gpu = cuda_backend();
  const bool emulated = gpu && gpu->description().find("emulated") != std::string::npos;
  std::vector<std::string> names;
  for (const Noted& test : noted()) {
    if (!gpu || (test.emulated && !emulated)) names.emplace_back(test.name);
  }
  return names;
}

namespace {

int run(doctest::Context& context) {
  for (const std::string& name : tests_without_their_gpu()) {
    std::string pattern;  // in which commas separate names
    for (const char c : name) pattern += c == ',' ? std::string("\\,") : std::string(1, c);
    context.addFilter("test-case-exclude", pattern.c_str());
  }
  return context.run();
}

// What a process found, in memory that it shares with the one that started it.
struct Part {
  bool began, ended;
  doctest::TestRunStats stats;
};
Part* part_of_this_process = nullptr;

// Prints as doctest does, but for the summary.
struct PartReporter : doctest::ConsoleReporter {
  using ConsoleReporter::ConsoleReporter;
  void test_run_start() override { part_of_this_process->began = true; }
  void test_run_end(const doctest::TestRunStats& stats) override { *part_of_this_process = {true, true, stats}; }
};
REGISTER_REPORTER("part", 0, PartReporter);

// What the i-th of `jobs` processes does. A test that is another's is skipped, as if it were marked so.
[[noreturn]] void run_part(doctest::Context& context, int i, int jobs, Part* part, std::FILE* out) {
  part_of_this_process = part;
  dup2(fileno(out), STDOUT_FILENO);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);  // so that nothing is lost if a test ends the process
  int next = 0;
  for (const doctest::detail::TestCase& test : doctest::detail::getRegisteredTests()) {
    if (next++ % jobs != i) const_cast<doctest::detail::TestCase&>(test).m_skip = true;
  }
  context.setOption("reporters", "part");
  std::exit(run(context));
}

int run_in_parts(doctest::Context& context, int jobs) {
  const size_t size = static_cast<size_t>(jobs) * sizeof(Part);
  void* shared = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return run(context);
  Part* parts = static_cast<Part*>(shared);
  std::vector<std::FILE*> outputs;
  std::vector<pid_t> children;
  for (int i = 0; i < jobs; ++i) {
    outputs.push_back(std::tmpfile());
    children.push_back(outputs.back() ? fork() : -1);
    if (children.back() < 0) {
      std::perror("run_tests --jobs");
      std::exit(1);
    }
    if (children.back() == 0) run_part(context, i, jobs, &parts[i], outputs.back());
  }
  doctest::TestRunStats all = {};
  all.numTestCases = static_cast<unsigned>(doctest::detail::getRegisteredTests().size());
  bool listed = true;
  for (int i = 0; i < jobs; ++i) {
    int status = 0;
    waitpid(children[i], &status, 0);
    std::rewind(outputs[i]);
    for (int c; (c = std::fgetc(outputs[i])) != EOF;) std::putchar(c);
    if (!parts[i].began && status == 0) continue;  // it listed tests, and ran none
    listed = false;
    doctest::TestRunStats& stats = parts[i].stats;
    if (!parts[i].ended || (status != 0 && stats.numTestCasesFailed == 0)) {
      std::printf("process %d of the tests ended with status %d, which none of them explains\n", i, status);
      ++stats.numTestCasesFailed, ++stats.numTestCasesPassingFilters;
    }
    all.numTestCasesPassingFilters += stats.numTestCasesPassingFilters;
    all.numTestCasesFailed += stats.numTestCasesFailed;
    all.numAsserts += stats.numAsserts;
    all.numAssertsFailed += stats.numAssertsFailed;
  }
  if (listed) return 0;
  const bool failed = all.numTestCasesFailed > 0;
  std::printf("[doctest] test cases: %u | %u passed | %u failed | %u skipped\n", all.numTestCasesPassingFilters,
              all.numTestCasesPassingFilters - all.numTestCasesFailed, all.numTestCasesFailed,
              all.numTestCases - all.numTestCasesPassingFilters);
  std::printf("[doctest] assertions: %d | %d passed | %d failed |\n[doctest] Status: %s!\n", all.numAsserts,
              all.numAsserts - all.numAssertsFailed, all.numAssertsFailed, failed ? "FAILURE" : "SUCCESS");
  return failed ? 1 : 0;
}

}  // namespace

}  // namespace counterpoise

int main(int argc, char** argv) {
  int jobs = 1;
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--jobs=", 7) == 0) jobs = std::atoi(argv[i] + 7);
  }
  doctest::Context context(argc, argv);
  return jobs > 1 ? counterpoise::run_in_parts(context, jobs) : counterpoise::run(context);
}
