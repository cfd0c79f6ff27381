#include "apps/trainer/run_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <sstream>
#include <tuple>
#include <utility>
#include <vector>

#include "apps/trainer/flags.h"
#include "core/io/file.h"
#include "kernels/error.h"
#include "kernels/warning.h"

namespace counterpoise {

namespace {

namespace fs = std::filesystem;

const std::string unfinished = "unfinished-", replacing = "replacing-", mark = "result.json", earlier = "earlier",
                  obsolete = "obsolete";

// Whether this is a directory, and no symbolic link to one.
bool is_directory(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// Whether this is the folder of runs, which may be elsewhere, with a symbolic link to it.
bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<std::string> names_in(const std::string& directory) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  CP_ENSURE(!error, "cannot list the directory ", directory, ": ", detail::reason(error.value()));
  std::sort(names.begin(), names.end());
  return names;
}

// Renames files and, until commit(), can undo it: the destructor renames them back.
class Moves {
 public:
  ~Moves() {
    for (; !done_.empty(); done_.pop_back()) {
      // Where a file cannot be moved back, the next run moves all of them forward.
      if (std::rename(done_.back().second.c_str(), done_.back().first.c_str()) != 0) return;
    }
  }
  void move(const std::string& from, const std::string& to) {
    CP_ENSURE(std::rename(from.c_str(), to.c_str()) == 0, "cannot move ", from, " to ", to, ": ",
              detail::reason(errno));
    done_.emplace_back(from, to);
  }
  // Returns whether there were any.
  bool commit() { return !std::exchange(done_, {}).empty(); }

 private:
  std::vector<std::pair<std::string, std::string>> done_;
};

bool is_one_of(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The files of a training that not every one has.
bool is_optional(const std::string& name) {
  return is_one_of({"predictions-validation.csv", "split.csv", "autobalance.csv"}, name) ||
         name.rfind("events.out.tfevents.", 0) == 0;
}

// The files in a directory that an earlier training left and that a new one with these files does not replace. They
// must not stay beside another run's result.
std::string obsolete_files(const std::string& directory, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names_in(directory)) {
    if (is_optional(name) && !is_one_of(names, name)) list += name + "\n";
  }
  return list;
}

// Whether a file of the directory says that one of our runs wrote it: a training's options, or what was evaluated.
bool holds_run(const std::string& directory) {
  const auto has = [&](const char* name, std::initializer_list<const char*> keys) {
    const std::string path = directory + "/" + name;
    if (!is_there(path) || is_directory(path)) return false;
    const auto json = nlohmann::json::parse(read_file(path, size_t(1) << 30), nullptr, false);
    return std::any_of(keys.begin(), keys.end(), [&](const char* key) { return json.contains(key); });
  };
  return has("config.json", {"counterpoise"}) || has(mark.c_str(), {"options", "weights"});
}

// Moves the files of a complete run, which are in `from`, into the directory; those that they replace, and those that
// the file from/obsolete lists, go to from/earlier. From the first move to the last the directory has no result.json,
// so that no mixture looks complete.
void move_forward(Moves& moves, const std::string& from, const std::string& directory, std::vector<std::string> names) {
  const auto retire = [&](const std::string& name) {
    const std::string old = directory + "/" + name;
    CP_ENSURE(!is_directory(old), "cannot replace ", old, ": it is a directory: move it away");
    if (is_there(old)) moves.move(old, from + "/" + earlier + "/" + name);
  };
  const auto marked = std::find(names.begin(), names.end(), mark);
  if (marked != names.end()) std::rotate(marked, marked + 1, names.end());  // to the end
  if (marked != names.end()) retire(mark);
  if (is_there(from + "/" + obsolete)) {
    std::istringstream list(read_file(from + "/" + obsolete, size_t(1) << 24));
    for (std::string name; std::getline(list, name);) retire(name);
  }
  for (const std::string& name : names) {
    if (name == earlier || name == obsolete || name == checkpoint_name) continue;
    retire(name);
    moves.move(from + "/" + name, directory + "/" + name);
  }
}

// The lock on a directory, which the destructor gives up. Waits for another run that holds it.
class Lock {
 public:
  explicit Lock(const std::string& directory)
      : descriptor_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    CP_ENSURE(descriptor_.get() >= 0, "cannot open the directory ", directory, ": ", detail::reason(errno));
    do held_ = flock(descriptor_.get(), LOCK_EX) == 0;
    while (!held_ && errno == EINTR);
  }
  // False on a file system without locks.
  bool held() const { return held_; }
  void flush() const { fsync(descriptor_.get()); }

 private:
  FileDescriptor descriptor_;
  bool held_ = false;
};

// Completes what a killed run has begun. Without a lock that run might still be alive, so nothing is done.
void recover(const Lock& lock, const std::string& directory) {
  if (!lock.held()) return;
  for (const std::string& name : names_in(directory)) {
    const std::string from = directory + "/" + name;
    if (name.rfind(replacing, 0) != 0 || name.size() != replacing.size() + 6) continue;
    if (!is_there(from + "/" + earlier)) {  // only its removal is left to do
      for (const std::string& left : {obsolete, std::string(checkpoint_name)}) remove_file(from + "/" + left);
      rmdir(from.c_str());
      continue;
    }
    Moves moves;
    move_forward(moves, from, directory, names_in(from));
    const bool moved = moves.commit();
    lock.flush();
    std::error_code ignored;
    fs::remove_all(from, ignored);
    if (moved)
      warn("a run was ended while its files were being moved into " + directory + "; all of them are there now");
  }
}

// Removes what a killed run had begun: its preparations to end, and the temporary files of AtomicFile, of which that of
// a large network would otherwise become a part of the result.
void remove_beginnings(const std::string& work) {
  rmdir((work + "/" + earlier).c_str());
  remove_file(work + "/" + obsolete);
  for (const std::string& name : names_in(work)) {
    if (name[0] == '.' && name.find(".tmp-") != std::string::npos) remove_file(work + "/" + name);
  }
}

// A lock on the sub-folder of a run, so that no other process continues it meanwhile.
FileDescriptor lock_for_use(const std::string& work) {
  FileDescriptor descriptor(open(work.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CP_ENSURE(descriptor.get() >= 0, "cannot open the directory ", work, ": ", detail::reason(errno));
  CP_ENSURE_AS(invalid_argument, flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK, work,
               ": the run that writes there has not ended; wait for it, or stop it");
  return descriptor;
}

}  // namespace

RunFolder::RunFolder(const std::string& directory)
    : directory_(directory), work_(directory + "/" + unfinished + "XXXXXX") {
  make_directories(directory_);
  recover(Lock(directory_), directory_);
  CP_ENSURE(mkdtemp(work_.data()), "cannot make the directory ", work_, ": ", detail::reason(errno));
  std::error_code ignored;  // mkdtemp lets only the owner in
  fs::permissions(work_, fs::status(directory_, ignored).permissions(), ignored);
  in_use_ = lock_for_use(work_);
}

RunFolder::RunFolder(const std::string& directory, const std::string& unfinished)
    : directory_(directory), work_(unfinished), in_use_(lock_for_use(unfinished)) {
  recover(Lock(directory_), directory_);
  remove_beginnings(work_);
}

void RunFolder::check_others(const std::string& directory, bool training, const std::vector<std::string>& inputs) {
  if (!is_folder(directory)) return;
  const Lock lock(directory);  // another run that moves its files has no result.json until the end
  recover(lock, directory);
  static const std::vector<std::string> evaluation = {"predictions.csv", mark},
                                        all = {"best.safetensors", "config.json",     "epochs.csv",  "last.safetensors",
                                               "log.jsonl",        "predictions.csv", "report.html", mark,
                                               "steps.csv",        "timing.csv"};
  std::string first;
  for (const std::string& name : names_in(directory)) {
    if (name.rfind(replacing, 0) == 0) return;
    const bool in_the_way = training ? is_one_of(all, name) || is_optional(name) : is_one_of(evaluation, name);
    if (!in_the_way) continue;
    check_output("--output", directory + "/" + name, inputs);
    if (first.empty()) first = name;
  }
  CP_ENSURE_AS(
      invalid_argument, first.empty() || holds_run(directory), directory, "/", first,
      " was written by no run, and this one would replace or remove it: move it away, or choose another --output");
}

void RunFolder::complete(const std::string& directory) {
  if (is_folder(directory)) recover(Lock(directory), directory);
}

std::string RunFolder::find_unfinished(const std::string& directory, const std::string& name) {
  std::string newest;
  timespec when = {};
  if (!is_folder(directory)) return "";
  for (const std::string& entry : names_in(directory)) {
    const std::string work = directory + "/" + entry;
    struct stat info;
    if (entry.rfind(unfinished, 0) != 0 || !is_there(work + "/" + name)) continue;
    if (stat((work + "/" + name).c_str(), &info) != 0) continue;  // it has been moved since
    const bool later = std::tie(info.st_mtim.tv_sec, info.st_mtim.tv_nsec) >= std::tie(when.tv_sec, when.tv_nsec);
    if (newest.empty() || later) newest = work, when = info.st_mtim;
  }
  return newest;
}

void RunFolder::finish() {
  if (!wanted()) return;
  const std::string committed = directory_ + "/" + replacing + work_.substr(work_.size() - 6);
  try {
    const Lock lock(directory_);
    recover(lock, directory_);
    const std::vector<std::string> names = names_in(work_);
    CP_ENSURE_AS(invalid_argument, holds_training(work_) || !holds_training(directory_), directory_,
                 " holds the result of a training run, which this one would replace in part: choose another directory");
    CP_ENSURE(mkdir((work_ + "/" + earlier).c_str(), 0777) == 0, "cannot make the directory ", work_, "/", earlier,
              ": ", detail::reason(errno));
    const std::string list = holds_training(work_) ? obsolete_files(directory_, names) : "";
    if (!list.empty()) write_file(work_ + "/" + obsolete, list);
    {
      Moves moves;                   // each throw undoes them
      moves.move(work_, committed);  // a run that is killed from now on is completed by the next one
      move_forward(moves, committed, directory_, names);
      moves.commit();
    }
    lock.flush();
    std::error_code ignored;
    fs::remove_all(committed, ignored);
  } catch (const Error& error) {
    rmdir((work_ + "/" + earlier).c_str());
    std::remove((work_ + "/" + obsolete).c_str());
    throw Error(error.kind(), error.what(), "; the files of this run are in ", is_there(work_) ? work_ : committed);
  }
}

bool RunFolder::holds_training(const std::string& directory) { return is_there(directory + "/last.safetensors"); }

}  // namespace counterpoise
