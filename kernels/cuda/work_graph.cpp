#include "kernels/cuda/work_graph.h"

#include <utility>

#include "kernels/cuda/check.h"

namespace counterpoise::detail {

namespace {
constexpr int most_refusals = 3;
}

void WorkGraph::start(std::vector<ListedWork>& list, cudaStream_t stream) {
  if (executable_ && !update(list, stream)) destroy();
  if (!executable_) make(list, stream);
  CP_CUDA_CHECK(cudaGraphLaunch(executable_, stream));
  ++starts_;
}

bool WorkGraph::update(std::vector<ListedWork>& list, cudaStream_t stream) {
  for (ListedWork& listed : list) {
    if (!listed.changed || !listed.node) continue;
    const cudaError_t status = listed.work.update(executable_, listed.node, stream);
    if (status != cudaSuccess) {
      if (++refusals_in_a_row_ < most_refusals) return false;
      const Work::Kind kind = listed.work.kind;
      const char* const what = kind == Work::Kind::kernel ? "a kernel"
                               : kind == Work::Kind::copy ? "a copy"
                                                          : "a call of a library";
      throw_cuda_error(text(cudaGetErrorString(status), ", when ", what, " changed"), "a CUDA graph", __FILE__,
                       __LINE__);
    }
    listed.changed = false;
    ++changes_;
  }
  refusals_in_a_row_ = 0;
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
void WorkGraph::destroy() noexcept {
  if (executable_) cudaGraphExecDestroy(std::exchange(executable_, nullptr));
  if (graph_) cudaGraphDestroy(std::exchange(graph_, nullptr));
  starts_ = changes_ = 0;
}

void WorkGraph::reset() noexcept {
  destroy();
  refusals_in_a_row_ = 0;
}

}  // namespace counterpoise::detail
