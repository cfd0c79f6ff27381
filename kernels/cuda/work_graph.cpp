#include "kernels/cuda/work_graph.h"

#include <utility>

#include "kernels/cuda/check.h"

namespace counterpoise::detail {

void WorkGraph::replace(ListedWork& listed, Work work) {
  if (listed.node && listed.work.call) replaced_.push_back(std::move(listed.work.call));
  listed.work = std::move(work);
  listed.changed = true;
}

bool WorkGraph::start(std::vector<ListedWork>& list, cudaStream_t stream) {
  if (!executable_) make(list, stream);
  else if (!update(list, stream)) return false;
  CP_CUDA_CHECK(cudaGraphLaunch(executable_, stream));
  replaced_.clear();
  return true;
}

bool WorkGraph::update(std::vector<ListedWork>& list, cudaStream_t stream) {
  for (ListedWork& listed : list) {
    if (!listed.changed || !listed.node) continue;
    if (!listed.work.update(executable_, listed.node, stream)) return false;
    listed.changed = false;
  }
  return true;
}

void WorkGraph::make(std::vector<ListedWork>& list, cudaStream_t stream) {
  CP_CUDA_CHECK(cudaGraphCreate(&graph_, 0));
  cudaGraphNode_t last = nullptr;
  operations_ = 0;
  for (ListedWork& listed : list) {
    listed.node = listed.work.add_to(graph_, last, stream);
    listed.changed = false;
    if (listed.node) last = listed.node, ++operations_;
  }
  CP_CUDA_CHECK(cudaGraphInstantiateWithFlags(&executable_, graph_, 0));
}

// (CUDA completes a graph that is running before it frees it.)
void WorkGraph::reset() noexcept {
  if (executable_) cudaGraphExecDestroy(std::exchange(executable_, nullptr));
  if (graph_) cudaGraphDestroy(std::exchange(graph_, nullptr));
  replaced_.clear();
}

}  // namespace counterpoise::detail
