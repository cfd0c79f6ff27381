// The command line of the fuzzer: see fuzz.h.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <unistd.h>

#include "tests/fuzz/fuzz.h"

// One allocation of more is a report. Leaks are found input by input, see runner.cpp.
extern "C" const char* __asan_default_options() {
  return "max_allocation_size_mb=2048:detect_leaks=0:quarantine_size_mb=16:allocator_may_return_null=0";
}
extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }

namespace counterpoise::fuzz {

const std::vector<Target>& targets() {
  static const std::vector<Target> all = [] {
    std::vector<Target> y;
    for (const auto& some : {file_targets(), annotation_targets(), text_targets(), run_targets(), planted_targets()})
      y.insert(y.end(), some.begin(), some.end());
    return y;
  }();
  return all;
}

namespace {

bool is_planted(const Target& target) { return target.name.rfind("planted-", 0) == 0; }

int usage() {
  std::string names;
  for (const Target& target : targets()) {
    if (!is_planted(target)) names += " " + target.name;
  }
  std::cerr << "usage: fuzz [--seconds S] [--seed N] [--crashes FOLDER] [TARGET ...]\n"
               "       fuzz TARGET FILE\n       fuzz --self-test\ntargets:"
            << names << '\n';
  return 2;
}

const Target* find(const std::string& name) {
  for (const Target& target : targets()) {
    if (target.name == name) return &target;
  }
  return nullptr;
}

int again(const Target& target, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::cerr << path << ": cannot be read\n";
    return 2;
  }
  const Bytes input((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const Outcome outcome = run_once(target, input);
  std::cerr << target.name << ": " << (outcome.verdict.empty() ? outcome.text : "CRASH: " + outcome.verdict) << '\n';
  return outcome.verdict.empty() ? 0 : 1;
}

// Prints a line about the target; returns whether it did not crash.
bool report(const char* program, const Target& target, const Result& r) {
  std::printf("%s: %llu inputs, %llu distinct outcomes, %d crashes (%llu branches, %llu inputs kept)\n",
              target.name.c_str(), static_cast<unsigned long long>(r.inputs),
              static_cast<unsigned long long>(r.outcomes), r.crash.empty() ? 0 : 1,
              static_cast<unsigned long long>(r.branches), static_cast<unsigned long long>(r.kept));
  if (!r.crash.empty()) {
    std::printf("%s: CRASH: %s; again: %s %s %s\n", target.name.c_str(), r.crash.c_str(), program, target.name.c_str(),
                r.file.c_str());
  }
  std::fflush(stdout);
  return r.crash.empty();
}

// Every planted fault is found, for what it is, and saved.
int self_test(const std::string& folder) {
#if defined(__SANITIZE_ADDRESS__)
  constexpr bool sanitized = true;
#else
  constexpr bool sanitized = false;
#endif
  struct Expected {
    const char *name, *crash;
    bool needs_sanitizer;
  };
  // (A sanitizer ends the process with 1.)
  const Expected all[] = {
      {"planted-overrun", "the process ended with 1", true},
      {"planted-undefined", "the process ended with 1", true},
      {"planted-leak", "a leak of", true},
      {"planted-hang", "a hang", false},
      {"planted-memory", "MB of memory", false},
      {"planted-bad-alloc", "std::bad_alloc", false},
      {"planted-kind", "a wrong kind", false},
      {"planted-exit", "the process ended with 0", false},
      {"planted-violation", "not a", false},
      {"planted-deep", "Aborted", false},
  };
  int missed = 0;
  for (const Expected& expected : all) {
    const Target* target = find(expected.name);
    CP_ENSURE(target, "no target ", expected.name);
    if (expected.needs_sanitizer && !sanitized) continue;
    const int stderr_before = dup(2);
    static_cast<void>(!std::freopen("/dev/null", "w", stderr));  // reports of faults that are there on purpose
    const Result result = fuzz_target(*target, 20, 1, folder);
    std::fflush(stderr);
    dup2(stderr_before, 2);
    close(stderr_before);
    const bool found = result.crash.find(expected.crash) != std::string::npos;
    std::printf("%s: %s after %llu inputs: %s\n", expected.name, found ? "found" : "MISSED",
                static_cast<unsigned long long>(result.inputs), result.crash.c_str());
    missed += !found;
    if (!result.file.empty()) std::remove(result.file.c_str());
  }
  std::printf("%d planted faults missed\n", missed);
  return missed == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  double seconds = 60;
  uint64_t seed = 1;
  std::string folder = "build/fuzz-crashes";
  bool self = false;
  std::vector<const Target*> chosen;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (word == "--self-test") self = true;
    else if (word == "--seconds" && value) seconds = std::atof(argv[++i]);
    else if (word == "--seed" && value) seed = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--crashes" && value) folder = argv[++i];
    else if (const Target* target = find(word)) chosen.push_back(target);
    else if (chosen.size() == 1 && i == argc - 1) return again(*chosen[0], word);
    else return usage();
  }
  if (self) return self_test(folder);
  if (chosen.empty()) {
    for (const Target& target : targets()) {
      if (!is_planted(target)) chosen.push_back(&target);
    }
  }
  bool sound = true;
  for (const Target* target : chosen) {
    const Result result = fuzz_target(*target, seconds / static_cast<double>(chosen.size()), seed, folder);
    sound = report(argv[0], *target, result) && sound;
  }
  return sound ? 0 : 1;
}

}  // namespace

}  // namespace counterpoise::fuzz

int main(int argc, char** argv) {
  counterpoise::fuzz::work_folder();  // before there are children
  const int status = counterpoise::fuzz::run(argc, argv);
  std::error_code ignored;
  std::filesystem::remove_all(counterpoise::fuzz::work_folder(), ignored);
  return status;
}
