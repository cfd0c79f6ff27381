// A list of work as a CUDA graph: each work is a node, after the one before; or, in branches, what is aside
// (Backend::aside()) beside what comes after it.
//
// Two kernels at the same time use what a single one leaves idle: most at its end, where fewer and fewer of its blocks
// run, and all the time if it is small. But a branch has a price, too. So a graph of which something is aside is
// tried both ways (BranchesTrial), and stays the faster one.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/timer.h"
#include "kernels/cuda/work.h"

namespace counterpoise::detail {

// A work of the list. Its node may still stand for the work that was here before.
struct ListedWork {
  explicit ListedWork(Work work) : work(std::move(work)) {}
  Work work;
  bool changed = false;
  cudaGraphNode_t node = nullptr;
  static constexpr size_t outside = size_t(-1);
  size_t offset = outside;  // of a block of memory in its step's arena
};

// Which of the two is faster, and how fast each was. A GPU that has work becomes slower in the course of the first
// seconds, as its power is limited: on an H200 by more than branches gain. So the graph is started in branches, twice
// as often in a row, and in branches again, and the medians are compared, in which a steady change cancels.
class BranchesTrial {
 public:
  bool in_branches() const;
  bool is_over() const { return timed_ == 4 * times; }
  // The duration of a start in milliseconds. True if the next one wants another graph.
  bool add(float ms);
  // The medians in milliseconds; REQUIRES: it is over.
  float in_a_row_ms() const { return median(0); }
  float in_branches_ms() const { return median(1); }

 private:
  float median(int kind) const;
  static constexpr int times = 4;
  int timed_ = 0;
  std::vector<float> ms_[2];  // in a row, in branches
};

// To be used with one list, from which works are not removed. For one thread.
class WorkGraph {
 public:
  WorkGraph() = default;
  ~WorkGraph() { reset(); }
  WorkGraph(const WorkGraph&) = delete;
  WorkGraph& operator=(const WorkGraph&) = delete;

  // Starts the list's work. Where there is a graph, its nodes get the works that have changed; where there is none, or
  // CUDA refuses one of these, it makes a new one. Throws Error(device) where that is not possible, or has been
  // necessary three times in a row; then nothing is started.
  void start(std::vector<ListedWork>& list, cudaStream_t stream);
  // To be called after each start(): times it, while the trial lasts. Throws Error(device); the work has been started.
  void time_start(cudaStream_t stream);
  // Before another list.
  void reset() noexcept;

  bool exists() const { return executable_ != nullptr; }
  int operations() const { return operations_; }
  // How many of them have changed when it was started, in the mean.
  double changes() const { return starts_ ? static_cast<double>(changes_) / static_cast<double>(starts_) : 0; }
  // Null unless something is aside.
  const BranchesTrial* branches() const { return has_branches_ ? &trial_ : nullptr; }
  // Something is aside, and the next graphs will all be in a row.
  bool stays_in_a_row() const { return has_branches_ && trial_.is_over() && !trial_.in_branches(); }

 private:
  bool update(std::vector<ListedWork>& list, cudaStream_t stream);
  void destroy() noexcept;
  void make(std::vector<ListedWork>& list, cudaStream_t stream);

  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
  int operations_ = 0;
  int refusals_in_a_row_ = 0;
  int64_t starts_ = 0, changes_ = 0;  // of this graph
  bool has_branches_ = false;
  BranchesTrial trial_;
  // Of the start before, while the trial lasts. It is waited for when the next one has been enqueued, so that the GPU
  // has work all the time, as in a training without a trial: else the time to enqueue a graph would count.
  std::unique_ptr<GpuTimer> last_start_, this_start_;
  bool wants_other_ = false;  // the trial, for the next start
};

}  // namespace counterpoise::detail
