#include "apps/compare/runner.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "apps/compare/arguments.h"
#include "apps/compare/children.h"
#include "apps/compare/outcome.h"
#include "apps/trainer/format.h"
#include "apps/trainer/run_start.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/file.h"

namespace counterpoise {

namespace {

namespace fs = std::filesystem;

constexpr useconds_t pause_between_looks = 10000;  // microseconds

// A folder for the logs of checks.
class ScratchFolder {
 public:
  ScratchFolder() : path_(parent() + "/counterpoise-XXXXXX") {
    CP_ENSURE(mkdtemp(path_.data()), "cannot make the directory ", path_, ": ", detail::reason(errno),
              "; the environment variable TMPDIR names another place for it");
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  static std::string parent() {
    const char* named = std::getenv("TMPDIR");
    return named && *named ? named : "/tmp";
  }
  std::string path_;
};

// Waits for any of the children, and returns its position.
size_t wait_for_one(const std::vector<pid_t>& children, int& status) {
  for (;; usleep(pause_between_looks)) {
    for (size_t i = 0; i < children.size(); ++i) {
      if (has_ended(children[i], status)) return i;
    }
  }
}

// Removes what interrupted trainings have left in a cell's folder, except, if the next one is to continue it,
// that which has a checkpoint.
void remove_unfinished(const std::string& directory, bool keep_checkpoint) {
  std::vector<fs::path> left;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().rfind("unfinished-", 0) != 0) continue;
    if (!keep_checkpoint || !is_there((it->path() / checkpoint_name).string())) left.push_back(it->path());
  }
  for (const fs::path& path : left) fs::remove_all(path, error);
}

void remove_weights(const std::string& directory) {
  std::error_code error;
  for (const char* name : {"last.safetensors", "best.safetensors"}) fs::remove(directory + "/" + name, error);
}

int terminal_width() {
  winsize size = {};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

}  // namespace

void check_rows(const Comparison& comparison, const std::vector<Cell>& one_per_row, int jobs) {
  const ScratchFolder scratch;
  std::vector<std::string> refusals(one_per_row.size());
  std::vector<pid_t> children;
  std::vector<size_t> which;
  const auto collect_one = [&] {
    int status = 0;
    const size_t i = wait_for_one(children, status);
    refusals[which[i]] = failure_of(status, scratch / std::to_string(which[i]));
    children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
    which.erase(which.begin() + static_cast<std::ptrdiff_t>(i));
  };
  for (size_t i = 0; i < one_per_row.size(); ++i) {
    if (children.size() >= static_cast<size_t>(jobs)) collect_one();
    std::vector<std::string> arguments = training_arguments(comparison, one_per_row[i]);
    arguments.push_back("--check");
    children.push_back(start_child(arguments, scratch / std::to_string(i)));
    which.push_back(i);
  }
  while (!children.empty()) collect_one();

  const auto refused = [](const std::string& refusal) { return !refusal.empty(); };
  const auto first = std::find_if(refusals.begin(), refusals.end(), refused);
  if (first == refusals.end()) return;
  const bool all = refusals.size() > 1 &&
                   std::all_of(refusals.begin(), refusals.end(), [&](const auto& other) { return other == *first; });
  const std::string title = comparison.rows[one_per_row[first - refusals.begin()].row].title();
  throw Error(ErrorKind::invalid_argument, all ? "the common options: " : "row \"" + title + "\": ", *first);
}

Runner::Runner(const Comparison& comparison, const std::vector<Cell>& cells, const Settings& settings)
    : comparison_(comparison), cells_(cells), settings_(settings), terminal_(isatty(STDERR_FILENO)) {
  for (const Cell& cell : cells) {
    marks_.push_back(failure_mark(cell));
    if (is_done(cell)) ++done_;
    else pending_.push_back(&cell);
  }
  std::reverse(pending_.begin(), pending_.end());
}

void Runner::run() {
  try {
    while (!stop_signal()) {
      while (running_.size() < static_cast<size_t>(settings_.jobs) && start_next()) {
      }
      if (running_.empty()) break;
      collect();
      show(false);
      usleep(pause_between_looks);
    }
  } catch (...) {
    stop_all();
    throw;
  }
  stop_all();
}

bool Runner::start_next() {
  for (;;) {
    if (pending_.empty() && !second_pass_ && running_.empty()) {
      // A process that had claimed a cell may have been killed since.
      second_pass_ = true;
      pending_.assign(claimed_.rbegin(), claimed_.rend());
    }
    if (pending_.empty()) return false;
    const Cell& cell = *pending_.back();
    pending_.pop_back();
    if (start(cell)) return true;
  }
}

bool Runner::failed_elsewhere(const Cell& cell) const {
  const std::string mark = failure_mark(cell);
  return !mark.empty() && mark != marks_[static_cast<size_t>(&cell - cells_.data())];
}

bool Runner::start(const Cell& cell) {
  make_directories(cell.folder);
  Claim claim(claim_file(cell), Claim::now);
  if (!claim.held()) return claimed_.push_back(&cell), false;
  if (is_done(cell)) return ++done_, false;
  if (failed_elsewhere(cell)) return false;
  // An interrupted training is continued; one that failed begins again, because what it left may be the reason.
  std::error_code ignored;
  remove_unfinished(cell.folder, /*keep_checkpoint=*/!fs::remove(failure_file(cell), ignored));
  const pid_t process = start_child(training_arguments(comparison_, cell), log_file(cell), claim.descriptor());
  running_.push_back({&cell, process, std::move(claim), Clock::now()});
  show(true);
  return true;
}

void Runner::collect() {
  for (size_t i = 0; i < running_.size();) {
    int status = 0;
    if (!has_ended(running_[i].process, status)) {
      ++i;
      continue;
    }
    const Training ended = std::move(running_[i]);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
    finish(ended, status);
  }
}

void Runner::finish(const Training& training, int status) {
  const Cell& cell = *training.cell;
  const double seconds = seconds_since(training.start);
  std::string failure = failure_of(status, log_file(cell));
  if (failure.empty() && !is_done(cell)) failure = "the training left no result.json";
  if (!failure.empty() && !stop_signal()) {
    char machine[256] = "";
    gethostname(machine, sizeof machine - 1);
    write_file(failure_file(cell), text(failure, "\n", machine, " ", training.process, "\n"));
  }
  if (failure.empty() && settings_.discard_weights) remove_weights(cell.folder);
  ++done_, ++ended_, seconds_ += seconds;
  line_.say(text(done_, "/", cells_.size(), "  ", title(cell), failure.empty() ? " done in " : " FAILED after ",
                 clock_text(seconds), failure.empty() ? "" : ": " + failure,
                 running_.empty() ? "" : text(";  ", running_.size(), " running", left())));
}

void Runner::stop_all() {
  for (const Training& training : running_) kill(training.process, SIGTERM);
  while (!running_.empty()) {
    std::vector<pid_t> children;
    for (const Training& training : running_) children.push_back(training.process);
    int status = 0;
    const size_t i = wait_for_one(children, status);
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

std::string Runner::title(const Cell& cell) const {
  return text(comparison_.rows[cell.row].title(), ", seed ", cell.seed, cell.fold ? text(", fold ", cell.fold) : "");
}

std::string Runner::left() const {
  if (ended_ == 0 || (pending_.empty() && running_.empty())) return "";
  const double each = seconds_ / ended_;
  double work = each * static_cast<double>(pending_.size()), longest = 0;
  for (const Training& training : running_) {
    const double rest = std::max(0., each - seconds_since(training.start));
    work += rest, longest = std::max(longest, rest);
  }
  return text(", about ", clock_text(std::max(longest, work / settings_.jobs)), " left");
}

void Runner::show(bool now) {
  if (!terminal_ || (!now && Clock::now() - shown_ < std::chrono::milliseconds(500))) return;
  shown_ = Clock::now();
  std::string line = text(done_, "/", cells_.size(), "  ", running_.size(), " running", left());
  for (size_t i = 0; i < running_.size(); ++i) line += (i ? "; " : ": ") + title(*running_[i].cell);
  line_.show(first_letters(printable(line), static_cast<size_t>(terminal_width() - 1)));
}

}  // namespace counterpoise
