#include "kernels/cuda/work_graph.h"

#include <algorithm>
#include <utility>

#include "kernels/cuda/check.h"

namespace counterpoise::detail {

namespace {
constexpr int most_refusals = 3;

// The place of the next node of a graph in branches.
class Place {
 public:
  const std::vector<cudaGraphNode_t>& after() const { return after_; }
  void put(cudaGraphNode_t node) { after_ = {node}; }
  void pass(Work::Kind mark) {
    if (mark == Work::Kind::aside_begins) fork_ = after_;
    if (mark == Work::Kind::aside_ends) aside_ = std::exchange(after_, fork_);
    if (mark != Work::Kind::rejoin) return;
    if (after_ == fork_) after_ = aside_;  // nothing was beside it
    else after_.insert(after_.end(), aside_.begin(), aside_.end());
  }

 private:
  std::vector<cudaGraphNode_t> after_, fork_, aside_;  // what the next node waits for; at the fork; of what is aside
};

}  // namespace

bool BranchesTrial::in_branches() const {
  return is_over() ? median(1) < median(0) : timed_ < times || timed_ >= 3 * times;
}

bool BranchesTrial::add(float ms) {
  const bool in_branches_now = in_branches();
  ms_[in_branches_now].push_back(ms);
  ++timed_;
  return in_branches() != in_branches_now;
}

float BranchesTrial::median(int kind) const {
  std::vector<float> ms = ms_[kind];
  std::sort(ms.begin(), ms.end());
  return (ms[times - 1] + ms[times]) / 2;
}

void WorkGraph::start(std::vector<ListedWork>& list, cudaStream_t stream) {
  if (executable_ && (wants_other_ || !update(list, stream))) destroy();
  if (!executable_) make(list, stream);
  this_start_ = has_branches_ && !trial_.is_over() ? std::make_unique<GpuTimer>() : nullptr;
  if (this_start_) this_start_->start(stream);
  CP_CUDA_CHECK(cudaGraphLaunch(executable_, stream));
  ++starts_;
}

void WorkGraph::time_start(cudaStream_t stream) {
  if (!this_start_) return;
  this_start_->stop(stream);
  if (last_start_) wants_other_ = trial_.add(last_start_->milliseconds());
  last_start_ = wants_other_ || trial_.is_over() ? nullptr : std::move(this_start_);
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
      throw CudaError(ErrorKind::device, text(cudaGetErrorString(status), ", when ", what, " changed"), "a CUDA graph",
                      __FILE__, __LINE__);
    }
    listed.changed = false;
    ++changes_;
  }
  refusals_in_a_row_ = 0;
  return true;
}

void WorkGraph::make(std::vector<ListedWork>& list, cudaStream_t stream) {
  CP_CUDA_CHECK(cudaGraphCreate(&graph_, 0));
  Place place;
  operations_ = 0;
  has_branches_ = std::any_of(list.begin(), list.end(),
                              [](const ListedWork& listed) { return listed.work.kind == Work::Kind::aside_begins; });
  const bool in_branches = trial_.in_branches();
  for (ListedWork& listed : list) {
    if (in_branches) place.pass(listed.work.kind);
    listed.node = listed.work.add_to(graph_, place.after(), stream);
    listed.changed = false;
    if (listed.node) place.put(listed.node), ++operations_;
  }
  CP_CUDA_CHECK(cudaGraphInstantiateWithFlags(&executable_, graph_, 0));
}

// (CUDA completes a graph that is running before it frees it.)
void WorkGraph::destroy() noexcept {
  if (executable_) cudaGraphExecDestroy(std::exchange(executable_, nullptr));
  if (graph_) cudaGraphDestroy(std::exchange(graph_, nullptr));
  starts_ = changes_ = 0;
  last_start_ = nullptr;
  this_start_ = nullptr;
  wants_other_ = false;
}

void WorkGraph::reset() noexcept {
  destroy();
  refusals_in_a_row_ = 0;
  trial_ = {};
}

}  // namespace counterpoise::detail
