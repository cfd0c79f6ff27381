// Runs inputs in a child process. The parent looks after it: it sees a crash, a hang and too much memory, and has the
// input that is to blame, because each is in shared memory before it is run. What was learned is there, too, so a child
// that exits is replaced by one that goes on.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "core/io/file.h"
#include "core/random.h"
#include "tests/fuzz/coverage.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

#if defined(__SANITIZE_ADDRESS__)
extern "C" size_t __sanitizer_get_current_allocated_bytes();  // g++ has no header for it
#endif

namespace counterpoise::fuzz {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kLongest = 1 << 18;   // bytes of an input
constexpr size_t kArena = 1 << 25;     // bytes of all inputs that are kept
constexpr size_t kKept = 1 << 14;      // their number
constexpr size_t kOutcomes = 1 << 13;  // distinct ones that are told apart
constexpr double kHang = 5;            // seconds of processor time
constexpr double kWait = 60;           // seconds, for an input that waits
constexpr int kVerdict = 86;           // exit status: the child says what is wrong in Shared::verdict

struct Shared {
  std::atomic<uint64_t> started, finished;  // inputs
  std::atomic<bool> done;                   // the time is up
  Branches seen;
  uint64_t branches;
  uint64_t outcomes[kOutcomes], distinct;
  struct Kept {
    size_t at, size;
  } kept[kKept];
  size_t number_kept, used;
  char verdict[1024];
  size_t size;
  uint8_t input[kLongest];
  uint8_t arena[kArena];
};

size_t heap_bytes() {
#if defined(__SANITIZE_ADDRESS__)
  return __sanitizer_get_current_allocated_bytes();
#else
  return 0;
#endif
}

// What tells a message from others: its first words, without those that come from the input.
std::string shortened(const std::string& message, std::string input) {
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  // What is between letters may be taken out where a message repeats them.
  input.erase(std::remove_if(input.begin(), input.end(), [&](char c) { return !is_letter(c); }), input.end());
  std::string y;
  for (size_t i = 0, words = 0; i < message.size() && words < 6;) {
    size_t end = i;
    while (end < message.size() && is_letter(message[end])) ++end;
    const std::string word = message.substr(i, end - i);
    if (word.size() > 2 && input.find(word) == std::string::npos) y += word + " ", ++words;
    i = std::max(end, i + 1);
  }
  return y;
}

// What the children of one target do.
class Worker {
 public:
  Worker(const Target& target, Shared& shared, uint64_t seed) : target_(target), shared_(shared), seed_(seed) {}

  void keep(const Bytes& input) {
    const size_t n = std::min(input.size(), kLongest);
    if (shared_.number_kept == kKept || shared_.used + n > kArena) return;
    std::copy_n(input.begin(), n, shared_.arena + shared_.used);
    shared_.kept[shared_.number_kept++] = {shared_.used, n};
    shared_.used += n;
  }

  // Runs inputs until the deadline: first those to begin with, as they are.
  [[noreturn]] void run(size_t seeds, Clock::time_point deadline) {
    while (Clock::now() < deadline) {
      const uint64_t number = shared_.finished;
      Random random(seed_, Stream::test, std::hash<std::string>()(target_.name), number);
      Bytes input = number < seeds ? kept(number) : mutate(target_, pick(random, seeds), pick(random, seeds), random);
      input.resize(std::min(input.size(), kLongest));
      std::copy(input.begin(), input.end(), shared_.input);
      shared_.size = input.size();
      ++shared_.started;
      const Outcome outcome = run_once(target_, input);
      if (!outcome.verdict.empty()) complain(outcome.verdict);
      check_heap(input);
      learn(input, outcome.text, number >= seeds);
      ++shared_.finished;
    }
    shared_.done = true;
    _exit(0);
  }

 private:
  Bytes kept(size_t i) const {
    const Shared::Kept& k = shared_.kept[i];
    return Bytes(shared_.arena + k.at, shared_.arena + k.at + k.size);
  }
  // Often one of those to begin with, which are small and valid, or one of the latest.
  Bytes pick(Random& random, size_t seeds) const {
    const size_t n = shared_.number_kept, latest = std::min<size_t>(n, 16);
    switch (random.below(4)) {
      case 0:
        return kept(random.below(seeds));
      case 1:
        return kept(n - 1 - random.below(latest));
      default:
        return kept(random.below(n));
    }
  }

  void learn(const Bytes& input, const std::string& outcome, bool may_keep) {
    bool fresh = heard_of(shortened(outcome, text_of(input)));
    const int added = add_coverage(shared_.seen);
    shared_.branches += static_cast<uint64_t>(added);
    fresh = fresh || added > 0;
    if (fresh && may_keep) keep(input);
  }
  bool heard_of(const std::string& outcome) {
    const uint64_t hash = std::hash<std::string>()(outcome);
    const uint64_t* end = shared_.outcomes + shared_.distinct;
    if (shared_.distinct == kOutcomes || std::find(shared_.outcomes, const_cast<uint64_t*>(end), hash) != end)
      return false;
    shared_.outcomes[shared_.distinct++] = hash;
    return true;
  }

  // The heap is larger after an input than before: it leaks if that happens each time. (The first time something may be
  // made that stays on purpose.)
  void check_heap(const Bytes& input) {
    const size_t now = heap_bytes();
    if (now <= heap_) {
      heap_ = now;
      return;
    }
    size_t before = now;
    for (int again = 0; again < 3; ++again) {
      run_once(target_, input);
      const size_t after = heap_bytes();
      if (after <= before) {
        heap_ = after;
        return;
      }
      before = after;
    }
    complain(detail::text("a leak of ", (before - now) / 3, " bytes"));
  }

  [[noreturn]] void complain(const std::string& verdict) {
    std::strncpy(shared_.verdict, verdict.c_str(), sizeof(shared_.verdict) - 1);
    _exit(kVerdict);
  }

  const Target& target_;
  Shared& shared_;
  const uint64_t seed_;
  size_t heap_ = size_t(-1);
};

double processor_seconds(pid_t child) {
  clockid_t clock;
  timespec t = {};
  if (clock_getcpuclockid(child, &clock) != 0 || clock_gettime(clock, &t) != 0) return 0;
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double resident_megabytes(pid_t child) {
  std::ifstream file(detail::text("/proc/", child, "/statm"));
  double pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

// Waits for the child. Returns why it was killed, or what its exit status means; "" for an end without fault.
std::string watch(pid_t child, const Target& target, Shared& shared) {
  uint64_t last = shared.finished;
  double processor = processor_seconds(child);
  Clock::time_point since = Clock::now();
  std::string killed;
  for (int status = 0;;) {
    const pid_t ended = waitpid(child, &status, WNOHANG);
    if (ended == child) {
      if (!killed.empty()) return killed;
      if (WIFSIGNALED(status)) return detail::text("signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)), ")");
      if (WEXITSTATUS(status) == kVerdict) return shared.verdict;
      if (WEXITSTATUS(status) == 0 && shared.done) return "";
      if (WEXITSTATUS(status) == 0 && target.may_exit) {
        ++shared.finished;
        return "";
      }
      return detail::text("the process ended with ", WEXITSTATUS(status));
    }
    if (last != shared.finished) {
      last = shared.finished;
      processor = processor_seconds(child);
      since = Clock::now();
    }
    if (killed.empty()) {
      const bool runs = shared.started != shared.finished;
      const double waited = std::chrono::duration<double>(Clock::now() - since).count();
      if (runs && (processor_seconds(child) - processor > kHang || waited > kWait)) killed = "a hang";
      const double megabytes = resident_megabytes(child);
      if (megabytes > target.megabytes) killed = detail::text(int(megabytes), " MB of memory");
      if (!killed.empty()) kill(child, SIGKILL);
    }
    usleep(20000);
  }
}

std::string save(const Target& target, const Shared& shared, const std::string& folder) {
  std::filesystem::create_directories(folder);
  const std::string content(reinterpret_cast<const char*>(shared.input), shared.size);
  char name[32];
  std::snprintf(name, sizeof(name), "-%016zx", std::hash<std::string>()(content));
  const std::string path = folder + "/" + target.name + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

}  // namespace

Outcome run_once(const Target& target, const Bytes& input) {
  start_coverage();
  try {
    return {"ok " + target.run(input), ""};
  } catch (const Error& error) {
    if (target.allowed.count(error.kind())) return {error.what(), ""};
    return {"", detail::text("an Error of kind ", int(error.kind()), ": ", error.what())};
  } catch (const Violation& violation) {
    return {"", violation.what};
  } catch (const std::exception& error) {
    return {"", detail::text("an exception: ", error.what())};
  }
}

std::string memory_file(const Bytes& content) {
  static int file = -1;
  if (file < 0) file = memfd_create("input", 0);
  const bool written =
      ftruncate(file, 0) == 0 && pwrite(file, content.data(), content.size(), 0) == ssize_t(content.size());
  CP_ENSURE(written, "no file in memory");
  return detail::text("/proc/self/fd/", file);
}

std::string work_folder() {
  static const std::string path = [] {
    char made[] = "/dev/shm/counterpoise-fuzz-XXXXXX";
    CP_ENSURE(mkdtemp(made) != nullptr, "no folder in memory");
    return std::string(made);
  }();
  return path;
}

std::string work_file(const std::string& name, const std::string& content) {
  const std::string path = work_folder() + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

Result fuzz_target(const Target& target, double seconds, uint64_t seed, const std::string& crash_folder) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CP_ENSURE(memory != MAP_FAILED, "no shared memory");
  Shared& shared = *static_cast<Shared*>(memory);  // zeros
  Worker worker(target, shared, seed);
  for (const Bytes& input : target.seeds()) worker.keep(input);
  const size_t seeds = shared.number_kept;
  CP_ENSURE(seeds > 0, target.name, ": there are no inputs to begin with");
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const std::string log = work_folder() + "/log";
  Result result;
  while (!shared.done && result.crash.empty() && Clock::now() < deadline) {
    shared.started = shared.finished.load();
    std::fflush(stdout);
    const pid_t child = fork();
    CP_ENSURE(child >= 0, "no process");
    if (child == 0) {
      // What the input makes the code print does not matter, unless it is a sanitizer's report.
      const int out = open("/dev/null", O_WRONLY), error = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
      dup2(out, STDOUT_FILENO);
      dup2(error, STDERR_FILENO);
      worker.run(seeds, deadline);
    }
    result.crash = watch(child, target, shared);
  }
  if (!result.crash.empty()) {
    result.file = save(target, shared, crash_folder);
    std::ifstream report(log);
    std::string line;
    for (int lines = 0; lines < 60 && std::getline(report, line); ++lines) std::fprintf(stderr, "%s\n", line.c_str());
  }
  result.inputs = shared.finished + (result.crash.empty() ? 0 : 1);
  result.outcomes = shared.distinct;
  result.branches = shared.branches;
  result.kept = shared.number_kept;
  munmap(memory, sizeof(Shared));
  return result;
}

}  // namespace counterpoise::fuzz
