// The functions of CUDA's runtime for kernels by their addresses, and for graphs of them.
//
// A graph's nodes run one by one, each after those that it waits for: where several could be next, in turns the one
// that was made first and the one that was made last, so that what relies on another order is found. What a node refers
// to must be right when the node is made, and its arguments are copied then; a node of an executable graph can only
// become one of its kind (a call of a library one with as many kernels); and while a stream is captured nothing may
// wait for it.
#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "tests/kernels/cuda_emulator/device.h"
#include "tests/kernels/cuda_emulator/races.h"

using namespace counterpoise;

namespace {

struct DescribedKernel {
  bool waits;
  std::vector<size_t> sizes;
  KernelCall call;
};

std::map<const void*, DescribedKernel>& kernels() {
  static auto& kernels = *new std::map<const void*, DescribedKernel>;
  return kernels;
}

// Copies of a kernel's arguments.
class Arguments {
 public:
  Arguments(const std::vector<size_t>& sizes, void** values) {
    for (size_t i = 0; i < sizes.size(); ++i) {
      copies_.push_back(std::make_unique<Slot[]>(sizes[i] / sizeof(Slot) + 1));
      std::copy_n(static_cast<const char*>(values[i]), sizes[i], reinterpret_cast<char*>(copies_.back().get()));
      pointers_.push_back(copies_.back().get());
    }
  }
  void* const* pointers() const { return pointers_.data(); }

 private:
  struct alignas(16) Slot {
    char bytes[16];
  };
  std::vector<std::unique_ptr<Slot[]>> copies_;
  std::vector<void*> pointers_;
};

}  // namespace

namespace counterpoise {

void describe_kernel(const void* function, bool waits, std::vector<size_t> sizes, KernelCall call) {
  kernels().insert({function, {waits, std::move(sizes), call}});
}

}  // namespace counterpoise

// -- graphs --

// (The names of CUDA's handles.)
struct CUgraphNode_st {
  enum Kind { kernel, copy, child } kind;
  EmulatedQueue::Work work;
  // Of a copy; of a child, how much work it is.
  cudaMemcpyKind direction = cudaMemcpyDefault;
  size_t size = 0;
  size_t index = 0;  // in its graph
  std::vector<size_t> after = {};
};
struct CUgraph_st {
  std::vector<std::unique_ptr<CUgraphNode_st>> nodes;
};
struct CUgraphExec_st {
  const CUgraph_st* graph;  // which it was made of, and which must be there to name its nodes
  std::vector<CUgraphNode_st> nodes;
  std::vector<size_t> orders[2] = {};
  std::shared_ptr<const std::vector<std::vector<bool>>> before = {};  // before[i][k]: whether i waits for k
  size_t launches = 0;
};

namespace {

using Nodes = std::vector<std::unique_ptr<CUgraphNode_st>>;

// The work of a kernel node, or an error. The kernel is checked as if it were launched.
cudaError_t described_work(const cudaKernelNodeParams& p, EmulatedQueue::Work& work) {
  const auto found = kernels().find(p.func);
  if (found == kernels().end()) return gpu().report(cudaErrorInvalidDeviceFunction);
  const DescribedKernel& k = found->second;
  const auto arguments = std::make_shared<Arguments>(k.sizes, p.kernelParams);
  size_t bytes = 0;
  for (const size_t size : k.sizes) bytes += size;
  return kernel_work(
      k.waits, p.gridDim, p.blockDim, bytes,
      [function = p.func, call = k.call, arguments] { call(function, arguments->pointers()); }, work);
}

cudaError_t append(cudaGraph_t graph, const cudaGraphNode_t* after, size_t count, CUgraphNode_st node,
                   cudaGraphNode_t* made) {
  for (size_t i = 0; i < count; ++i) {
    const bool is_there = std::any_of(graph->nodes.begin(), graph->nodes.end(),
                                      [&](const auto& known) { return known.get() == after[i]; });
    if (!is_there) return gpu().report(cudaErrorInvalidValue);
    const size_t index = after[i]->index;
    const bool is_twice = std::find(node.after.begin(), node.after.end(), index) != node.after.end();
    if (is_twice) return gpu().report(cudaErrorInvalidValue);
    node.after.push_back(index);
  }
  node.index = graph->nodes.size();
  graph->nodes.push_back(std::make_unique<CUgraphNode_st>(std::move(node)));
  *made = graph->nodes.back().get();
  return cudaSuccess;
}

// An order in which the nodes can run; of those that could be next the first or the last.
std::vector<size_t> order_of(const std::vector<CUgraphNode_st>& nodes, bool last) {
  std::vector<size_t> y;
  std::vector<char> done(nodes.size());
  const auto is_ready = [&](size_t i) {
    const std::vector<size_t>& after = nodes[i].after;
    return !done[i] && std::all_of(after.begin(), after.end(), [&](size_t k) { return done[k] != 0; });
  };
  while (y.size() < nodes.size()) {
    size_t next = last ? nodes.size() - 1 : 0;
    while (!is_ready(next)) last ? --next : ++next;
    done[next] = 1;
    y.push_back(next);
  }
  return y;
}

// What each node waits for, also by way of others. (A node's number is larger than those that it waits for.)
std::vector<std::vector<bool>> all_before(const std::vector<CUgraphNode_st>& nodes) {
  std::vector<std::vector<bool>> y(nodes.size(), std::vector<bool>(nodes.size()));
  for (size_t i = 0; i < nodes.size(); ++i) {
    for (const size_t k : nodes[i].after) {
      y[i][k] = true;
      for (size_t of_k = 0; of_k < k; ++of_k) y[i][of_k] = y[i][of_k] || y[k][of_k];
    }
  }
  return y;
}

// A copy of a graph's work, to be run as one.
CUgraphNode_st child_of(cudaGraph_t graph) {
  std::vector<EmulatedQueue::Work> all;
  for (const auto& node : graph->nodes) all.push_back(node->work);
  CUgraphNode_st y{CUgraphNode_st::child, [all] {
                     for (const auto& work : all) work();
                   }};
  y.size = all.size();
  return y;
}

cudaError_t become(cudaGraphExec_t executable, cudaGraphNode_t node, CUgraphNode_st other) {
  const Nodes& known = executable->graph->nodes;
  const bool is_there = std::any_of(known.begin(), known.end(), [&](const auto& n) { return n.get() == node; });
  CUgraphNode_st* const now = is_there ? &executable->nodes[node->index] : nullptr;
  if (!now || now->kind != other.kind || now->direction != other.direction || now->size != other.size) {
    return gpu().report(cudaErrorInvalidValue);
  }
  other.after = now->after;
  *now = std::move(other);
  ++gpu().graph_updates;
  return cudaSuccess;
}

CUgraphNode_st copy_node(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaError_t& status) {
  CUgraphNode_st y{CUgraphNode_st::copy, {}, kind, bytes};
  status = copy_work(to, from, bytes, kind, y.work);
  return y;
}

}  // namespace

extern "C" {

cudaError_t cudaLaunchKernel(const void* function, dim3 grid, dim3 block, void** arguments, size_t shared,
                             cudaStream_t) {
  cudaKernelNodeParams p = {const_cast<void*>(function),   grid,      block,
                            static_cast<unsigned>(shared), arguments, nullptr};
  EmulatedQueue::Work work;
  const cudaError_t status = described_work(p, work);
  return status == cudaSuccess ? gpu().enqueue(std::move(work)) : status;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  EmulatedGpu& g = gpu();
  if (g.captured) return g.report(cudaErrorIllegalState);
  if (const cudaError_t status = g.state()) return status;
  g.captured = std::make_unique<std::vector<EmulatedQueue::Work>>();
  g.capture_is_broken = emulator_setting("no-capture", 0) != 0;
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
  EmulatedGpu& g = gpu();
  *graph = nullptr;
  if (!g.captured) return g.report(cudaErrorIllegalState);
  const auto all = std::move(g.captured);
  if (g.capture_is_broken) return g.report(cudaErrorStreamCaptureInvalidated);
  *graph = new CUgraph_st;
  for (auto& work : *all) {
    (*graph)->nodes.push_back(
        std::make_unique<CUgraphNode_st>(CUgraphNode_st{CUgraphNode_st::kernel, std::move(work)}));
  }
  return cudaSuccess;
}

cudaError_t cudaGraphCreate(cudaGraph_t* graph, unsigned) { return *graph = new CUgraph_st, cudaSuccess; }
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphAddKernelNode(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* after, size_t count,
                                   const cudaKernelNodeParams* p) {
  CUgraphNode_st made{CUgraphNode_st::kernel, {}};
  const cudaError_t status = described_work(*p, made.work);
  return status == cudaSuccess ? append(graph, after, count, std::move(made), node) : status;
}
cudaError_t cudaGraphAddMemcpyNode1D(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* after,
                                     size_t count, void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  cudaError_t status = cudaSuccess;
  CUgraphNode_st made = copy_node(to, from, bytes, kind, status);
  return status == cudaSuccess ? append(graph, after, count, std::move(made), node) : status;
}
cudaError_t cudaGraphAddChildGraphNode(cudaGraphNode_t* node, cudaGraph_t graph, const cudaGraphNode_t* after,
                                       size_t count, cudaGraph_t child) {
  return append(graph, after, count, child_of(child), node);
}

cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new CUgraphExec_st{graph, {}};
  for (const auto& node : graph->nodes) (*executable)->nodes.push_back(*node);
  CUgraphExec_st& made = **executable;
  for (const bool last : {false, true}) made.orders[last] = order_of(made.nodes, last);
  if (finds_races()) made.before = std::make_shared<std::vector<std::vector<bool>>>(all_before(made.nodes));
  return gpu().state();
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
cudaError_t cudaGraphExecKernelNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node,
                                             const cudaKernelNodeParams* p) {
  CUgraphNode_st changed{CUgraphNode_st::kernel, {}};
  const cudaError_t status = described_work(*p, changed.work);
  return status == cudaSuccess ? become(executable, node, std::move(changed)) : status;
}
cudaError_t cudaGraphExecMemcpyNodeSetParams1D(cudaGraphExec_t executable, cudaGraphNode_t node, void* to,
                                               const void* from, size_t bytes, cudaMemcpyKind kind) {
  cudaError_t status = cudaSuccess;
  CUgraphNode_st changed = copy_node(to, from, bytes, kind, status);
  return status == cudaSuccess ? become(executable, node, std::move(changed)) : status;
}
cudaError_t cudaGraphExecChildGraphNodeSetParams(cudaGraphExec_t executable, cudaGraphNode_t node, cudaGraph_t child) {
  return become(executable, node, child_of(child));
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  ++gpu().graphs;
  return gpu().enqueue(
      [nodes = executable->nodes, order = executable->orders[++executable->launches % 2], before = executable->before] {
        if (before) begin_graph();
        for (const size_t i : order) {
          if (before) begin_node(i, (*before)[i]);
          if (gpu().fault == cudaSuccess) nodes[i].work();
        }
        if (before) end_graph();
      });
}

}  // extern "C"
