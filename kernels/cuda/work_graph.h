// A list of work as a CUDA graph: each work is a node, after the one before.
#pragma once

#include <functional>
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

  // Starts the list's work: makes the graph if there is none, else gives its nodes the works that have changed. False
  // if CUDA refuses one of these. Then nothing is started, as when it throws Error(device).
  bool start(std::vector<ListedWork>& list, cudaStream_t stream);
  // Puts another work in the place of one that it resembles.
  void replace(ListedWork& listed, Work work);
  void reset() noexcept;

  bool exists() const { return executable_ != nullptr; }
  int operations() const { return operations_; }

 private:
  bool update(std::vector<ListedWork>& list, cudaStream_t stream);
  void make(std::vector<ListedWork>& list, cudaStream_t stream);

  cudaGraph_t graph_ = nullptr;
  cudaGraphExec_t executable_ = nullptr;
  int operations_ = 0;
  std::vector<std::function<void(cudaStream_t)>> replaced_;  // calls whose kernels are still nodes' work
};

}  // namespace counterpoise::detail
