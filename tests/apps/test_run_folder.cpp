// Results are never lost and never mixed, whatever runs share a folder.
#include "apps/trainer/run_folder.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <set>
#include <thread>
#include <vector>

#include "tests/environment.h"
#include "tests/program.h"

using namespace counterpoise;

namespace {

// What happens at the n-th call of rename(), counted from 1: see below.
std::atomic<int> renames{0};
int kill_at = 0, fail_at = 0, fail_until = 0;

}  // namespace

// Replaces the C library's function in this program.
extern "C" int rename(const char* from, const char* to) noexcept {
  const int n = ++renames;
  if (n == kill_at) _exit(99);
  if (fail_at <= n && n <= fail_until) return errno = EIO, -1;
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> names = {"epochs.csv", "last.safetensors", "result.json", "steps.csv"};

void write_all(const RunFolder& run, const std::string& content) {
  for (const std::string& name : names) write_file(run.path(name), content);
}

std::set<std::string> listing(const std::string& directory) {
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator(directory)) found.insert(entry.path().filename().string());
  return found;
}

// Which run the folder's files are of: "1", "2", or "mixed". Only run "1" has a split.csv and an autobalance.csv.
std::string whole(const std::string& directory) {
  std::set<std::string> contents;
  for (const std::string& name : names) {
    contents.insert(fs::exists(directory + "/" + name) ? slurp(directory + "/" + name) : "missing");
  }
  const std::string of = contents.size() == 1 ? *contents.begin() : "mixed";
  for (const char* optional : {"/split.csv", "/autobalance.csv"}) {
    if (fs::exists(directory + optional) != (of == "1")) return "mixed";
  }
  return of;
}

// Runs act() in a process of its own that ends at its n-th rename. Returns false if there are fewer.
bool killed_at(int n, const std::function<void()>& act) {
  const int outcome = outcome_of([&] {
    set_warning_handler([](const std::string&) {});
    renames = 0, kill_at = n;
    act();
  });
  REQUIRE((outcome == 0 || outcome == 99));
  return outcome == 99;
}

// A folder with the complete run "1", and "2" ready to replace it.
struct TwoRuns {
  TwoRuns() : second(first_finished(out)) { write_all(second, "2"); }
  static std::string first_finished(const TemporaryFolder& out) {
    RunFolder first(out.path());
    write_all(first, "1");
    for (const char* optional : {"split.csv", "autobalance.csv"}) write_file(first.path(optional), "1");
    first.finish();
    return out.path();
  }
  const TemporaryFolder out;
  RunFolder second;
};

// While one lives, the renames from `first` to `last` fail.
struct Failing {
  Failing(int first, int last) { renames = 0, fail_at = first, fail_until = last; }
  ~Failing() { fail_at = fail_until = 0; }
};

}  // namespace

TEST_CASE("run folder: killed at any rename, it is wholly old or wholly new when the next run starts") {
  Warnings warnings;
  int kills = 0, completed = 0;
  for (int n = 1;; ++n) {
    for (int m = 1;; ++m) {  // the run that completes it is killed, too
      TwoRuns runs;
      const bool killed = killed_at(n, [&] { runs.second.finish(); });
      if (!killed) {
        CHECK(whole(runs.out.path()) == "2");
        CHECK(n == 4 + static_cast<int>(2 * names.size()));
        CHECK(completed > 0);
        CHECK(kills > 20);
        return;
      }
      ++kills;
      const bool mixed = whole(runs.out.path()) == "mixed";
      // A mixture does not look complete.
      if (mixed) CHECK(!fs::exists(runs.out / "result.json"));
      const bool again = killed_at(m, [&] { RunFolder next(runs.out.path()); });
      const size_t before = warnings.all.size();
      const RunFolder next(runs.out.path());
      CAPTURE(n);
      CAPTURE(m);
      CHECK(whole(runs.out.path()) == (n == 1 ? "1" : "2"));  // the first rename is the decision
      if (warnings.all.size() > before) ++completed;
      for (const std::string& name : listing(runs.out.path())) CHECK(!contains(name, "replacing-"));
      if (!again) break;
    }
  }
}

TEST_CASE("run folder: an error at any rename leaves it wholly old, and one clear line") {
  Warnings warnings;
  for (int n = 1;; ++n) {
    TwoRuns runs;
    std::string message;
    try {
      const Failing one(n, n);
      runs.second.finish();
    } catch (const Error& error) {
      message = error.what();
    }
    const int tried = renames;
    CAPTURE(n);
    if (message.empty()) {
      CHECK(tried < n);
      CHECK(n > 9);
      CHECK(whole(runs.out.path()) == "2");
      break;
    }
    CHECK(contains(message, "Input/output error (the disk reports an error"));
    CHECK(contains(message, "; the files of this run are in " + runs.second.path("").substr(0, 30)));
    CHECK(whole(runs.out.path()) == "1");
    CHECK(whole(runs.second.path("")) == "2");
    const RunFolder next(runs.out.path());
    CHECK(whole(runs.out.path()) == "1");
    runs.second.finish();  // nothing is lost
    CHECK(whole(runs.out.path()) == "2");
  }
  // From the n-th rename on all fail, those that would undo the others as well.
  for (int n = 1; n < 10; ++n) {
    TwoRuns runs;
    {
      const Failing all(n, 1000);
      error_of([&] { runs.second.finish(); });
    }
    const RunFolder next(runs.out.path());
    CAPTURE(n);
    CHECK(whole(runs.out.path()) == (n == 1 ? "1" : "2"));
  }
}

TEST_CASE("run folder: too many open files is one clear line, and nothing is lost") {
  TwoRuns runs;
  rlimit before;
  getrlimit(RLIMIT_NOFILE, &before);
  for (int spare = 0; spare < 2; ++spare) {  // none for the lock, none for the listing
    const int next_free = open("/dev/null", O_RDONLY);
    close(next_free);
    const rlimit none = {static_cast<rlim_t>(next_free + spare), before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    const std::string message = error_of([&] { runs.second.finish(); });
    setrlimit(RLIMIT_NOFILE, &before);
    CHECK(contains(message, "Too many open files (too many files are open: raise `ulimit -n`); the files of this run"));
    CHECK(whole(runs.out.path()) == "1");
  }
  runs.second.finish();
  CHECK(whole(runs.out.path()) == "2");
}

TEST_CASE("run folder: a directory in a file's place is refused, and stays") {
  TwoRuns runs;
  fs::remove(runs.out / "steps.csv");
  make_directories(runs.out / "steps.csv/mine");
  CHECK(contains(error_of([&] { runs.second.finish(); }), "steps.csv: it is a directory: move it away"));
  CHECK(fs::exists(runs.out / "steps.csv/mine"));
  CHECK(slurp(runs.out / "last.safetensors") == "1");
  CHECK(whole(runs.second.path("")) == "2");
}

TEST_CASE("run folder: of two runs in a fresh folder, one that is killed leaves nothing in the other's result") {
  const TemporaryFolder out;
  RunFolder killed(out / "runs"), complete(out / "runs");
  for (const char* name : {"last.safetensors", "steps.csv"}) write_file(killed.path(name), "killed");
  write_all(complete, "2");
  write_file(killed.path("last.safetensors"), "killed");
  complete.finish();
  write_file(killed.path("last.safetensors"), "killed");
  CHECK(whole(out / "runs") == "2");
}

TEST_CASE("run folder: an evaluation does not replace a part of a training run's result") {
  const TemporaryFolder out;
  RunFolder evaluation(out.path()), training(out.path());
  write_file(evaluation.path("result.json"), "evaluation");
  write_all(training, "1");
  for (const char* optional : {"split.csv", "autobalance.csv"}) write_file(training.path(optional), "1");
  training.finish();
  CHECK(contains(error_of([&] { evaluation.finish(); }, ErrorKind::invalid_argument), "choose another directory"));
  CHECK(whole(out.path()) == "1");
}

TEST_CASE("run folder: a complete run leaves its files and nothing else") {
  const TemporaryFolder parent;
  const std::string directory = parent / "runs/a";
  RunFolder run(directory);
  write_all(run, "1");
  CHECK(!fs::exists(directory + "/result.json"));
  CHECK(fs::status(run.path("")).permissions() == fs::status(directory).permissions());
  run.finish();
  CHECK(listing(directory) == std::set<std::string>(names.begin(), names.end()));
  CHECK(slurp(directory + "/result.json") == "1");
}

TEST_CASE("run folder: an earlier result and other files stay until the new result is complete") {
  const TemporaryFolder out;
  write_file(out / "notes.txt", "mine");
  RunFolder first(out.path());
  write_all(first, "1");
  first.finish();
  RunFolder second(out.path());
  write_all(second, "2");
  for (const std::string& name : names) CHECK(slurp(out / name) == "1");
  second.finish();
  for (const std::string& name : names) CHECK(slurp(out / name) == "2");
  CHECK(slurp(out / "notes.txt") == "mine");
  CHECK(listing(out.path()).size() == names.size() + 1);
}

TEST_CASE("run folder: what broken-off runs wrote stays, each in a place of its own") {
  const TemporaryFolder out;
  std::vector<std::string> left;
  for (const char* content : {"1", "2"}) {
    const RunFolder broken(out.path());
    write_file(broken.path("last.safetensors"), content);
    left.push_back(broken.path("last.safetensors"));
  }
  RunFolder run(out.path());
  write_all(run, "3");
  run.finish();
  CHECK(slurp(out / "last.safetensors") == "3");
  CHECK(slurp(left[0]) == "1");
  CHECK(slurp(left[1]) == "2");
}

TEST_CASE("run folder: of runs that finish at the same time one stays, whole") {
  const TemporaryFolder out;
  for (int round = 0; round < 20; ++round) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        RunFolder run(out.path());
        write_all(run, std::to_string(10 * round + i));
        run.finish();
      });
    }
    for (std::thread& thread : threads) thread.join();
    std::set<std::string> contents;
    for (const std::string& name : names) contents.insert(slurp(out / name));
    CHECK(contents.size() == 1);
    CHECK(listing(out.path()).size() == names.size());
  }
}

TEST_CASE("run folder: a run that is killed just before or after its replacement leaves nothing in the way") {
  TwoRuns runs;
  const std::string work = runs.second.work();
  write_file(runs.second.path(checkpoint_name), "2");
  make_directories(work + "/earlier");  // just before
  write_file(work + "/obsolete", "notes.txt\n");
  write_file(runs.out / "notes.txt", "mine");
  runs.second = RunFolder();
  RunFolder resumed(runs.out.path(), work);
  resumed.finish();
  CHECK(whole(runs.out.path()) == "2");
  CHECK(slurp(runs.out / "notes.txt") == "mine");
  const size_t files = listing(runs.out.path()).size();
  CHECK(files == names.size() + 1);                 // with notes.txt, without the checkpoint
  make_directories(runs.out / "replacing-abcdef");  // after
  for (const char* left : {checkpoint_name, "obsolete"})
    write_file(runs.out / ("replacing-abcdef/" + std::string(left)), "");
  RunFolder::complete(runs.out.path());
  CHECK(listing(runs.out.path()).size() == files);
}

TEST_CASE("run folder: none is wanted, or none can be made") {
  RunFolder none;
  CHECK(!none.wanted());
  none.finish();
  CHECK(contains(error_of([] { RunFolder("/proc/nowhere"); }), "/proc/nowhere"));
}
