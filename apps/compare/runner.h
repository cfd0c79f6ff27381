// Trains the cells of a comparison, several at a time, each in a process of its own. Not thread-safe: for the main
// thread, which is the parent of these processes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "apps/compare/claim.h"
#include "apps/compare/comparison.h"
#include "apps/trainer/progress.h"

namespace counterpoise {

// Checks the options of the rows with the training's own command line, which trains nothing for that. Throws
// Error(invalid_argument) with the first row that it refuses.
void check_rows(const Comparison& comparison, const std::vector<Cell>& one_per_row, int jobs);

class Runner {
 public:
  struct Settings {
    int jobs = 1;
    bool discard_weights = false;  // remove *.safetensors of a cell that is done
  };
  // `cells` are those to train, all or those of a shard.
  Runner(const Comparison& comparison, const std::vector<Cell>& cells, const Settings& settings);

  // Trains every cell that has no result and that no other process has claimed. A training that fails leaves
  // failure_file(). Returns after the last one, or after a stop signal, which the trainings are told. Throws
  // Error(failure) if no process can be started or a folder cannot be written.
  void run();

 private:
  using Clock = std::chrono::steady_clock;
  struct Training {
    const Cell* cell;
    pid_t process;
    Claim claim;
    Clock::time_point start;
  };

  // Starts the next cell; false if there is none that this process may train.
  bool start_next();
  bool start(const Cell& cell);
  // Whether another process has trained this cell without success since this one looked first.
  bool failed_elsewhere(const Cell& cell) const;
  void collect();
  void finish(const Training& training, int status);
  void stop_all();
  void show(bool now);
  std::string left() const;
  std::string title(const Cell& cell) const;

  const Comparison& comparison_;
  const std::vector<Cell>& cells_;
  const Settings settings_;
  const bool terminal_;
  std::vector<std::string> marks_;              // failure_mark() of every cell at the start
  std::vector<const Cell*> pending_, claimed_;  // to be started, last first; and those of other processes
  std::vector<Training> running_;
  size_t done_ = 0;
  bool second_pass_ = false;
  double seconds_ = 0;  // of the trainings that ended here
  int ended_ = 0;
  Clock::time_point shown_;
  StatusLine line_;
};

}  // namespace counterpoise
