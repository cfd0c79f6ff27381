// A list of work as a CUDA graph: each work is a node, after the one before.
#pragma once

#include <cstdint>
#include <vector>

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
  // Before another list.
  void reset() noexcept;

  bool exists() const { return executable_ != nullptr; }
  int operations() const { return operations_; }
  // How many of them have changed when it was started, in the mean.
  double changes() const { return starts_ ? static_cast<double>(changes_) / static_cast<double>(starts_) : 0; }

 private:
  bool update(std::vector<ListedWork>& list, cudaStream_t stream);
  void destroy() noexcept;
  void make(std::vector<ListedWork>& list, cudaStream_t stream);

  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
  int operations_ = 0;
  int refusals_in_a_row_ = 0;
  int64_t starts_ = 0, changes_ = 0;  // of this graph
};

}  // namespace counterpoise::detail
