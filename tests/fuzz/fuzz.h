// A mutation fuzzer: it feeds damaged inputs to the parts of the library and of the programs that read untrusted files
// and texts, and reports those that crash them. Built with AddressSanitizer and UBSan (`make fuzz SECONDS=60`).
//
//   build/sanitize/none/fuzz --seconds 60          all targets, which share the time
//   build/sanitize/none/fuzz --seconds 60 csv      one of them
//   build/sanitize/none/fuzz csv FILE              one input again, as the line about a crash says
//   build/sanitize/none/fuzz --self-test           whether planted faults are found
//
// A target is a row of the table in targets(): a function that takes bytes, and files to begin with. Inputs are
// mutated; those that reach new branches of the code, or a new error message, are kept and mutated further, as AFL does
// (Zalewski 2014). Branches are seen by g++'s -fsanitize-coverage=trace-pc.
//
// Every number is from a Random of the seed, so a run finds the same inputs again as far as its time reaches.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "kernels/error.h"

namespace counterpoise::fuzz {

using Bytes = std::vector<uint8_t>;

inline Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }
inline std::string text_of(const Bytes& bytes) { return std::string(bytes.begin(), bytes.end()); }

struct Target {
  std::string name;
  // The inputs to begin with.
  std::function<std::vector<Bytes>()> seeds;
  // Reads one input, and returns in a few words what came of it. An Error of an allowed kind is an outcome, too; any
  // other exception, a sanitizer's report, a leak, a signal, more than 5 seconds or `megabytes` of memory is a crash.
  std::function<std::string(const Bytes&)> run;
  std::set<ErrorKind> allowed;
  // Parts of inputs, which mutations insert.
  std::vector<std::string> words = {};
  // Repairs what no mutation would hit, such as checksums.
  std::function<void(Bytes&)> repair = nullptr;
  size_t longest = 4096;  // bytes of an input
  bool may_exit = false;  // exit(0) is an outcome: --help
  bool text = false;      // inputs are text: words are replaced more often than bits
  int megabytes = 1024;   // of resident memory, sanitizer's included
};

// The targets, and those with planted faults, whose names begin with "planted-".
const std::vector<Target>& targets();
std::vector<Target> file_targets();
std::vector<Target> text_targets();
std::vector<Target> run_targets();
std::vector<Target> annotation_targets();
std::vector<Target> planted_targets();

// Thrown by run() for a result that is wrong although nothing crashed.
struct Violation {
  std::string what;
};
inline void require(bool condition, const std::string& what) {
  if (!condition) throw Violation{what};
}

// A file in memory with this content, until the next call. Its path can be opened as any file's.
std::string memory_file(const Bytes& content);
// A folder in memory for files that need a name. main() makes it, and removes it at the end.
std::string work_folder();
// Writes a file into it and returns its path.
std::string work_file(const std::string& name, const std::string& content);

// The right checksum for each chunk of a PNG, as far as there are whole chunks.
void repair_png(Bytes& png);

// What a run of one input showed.
struct Outcome {
  std::string text;     // "ok", or the message of an Error without its numbers and names
  std::string verdict;  // why it is a crash; empty if it is none
};
Outcome run_once(const Target& target, const Bytes& input);

struct Result {
  uint64_t inputs = 0, outcomes = 0, branches = 0, kept = 0;
  std::string crash;  // why; empty without
  std::string file;   // the input that crashed
};
// Runs a target for some seconds in processes of its own. A crash ends it; its input is written into the folder.
Result fuzz_target(const Target& target, double seconds, uint64_t seed, const std::string& crash_folder);

}  // namespace counterpoise::fuzz
