#include "kernels/cuda/work.h"

#include <cstring>
#include <tuple>

#include "kernels/cuda/check.h"

namespace counterpoise::detail {

void start_kernel(const void* function, dim3 grid, void** arguments, cudaStream_t stream) {
  const cudaError_t status = cudaLaunchKernel(function, grid, dim3(block_threads), arguments, 0, stream);
  if (status != cudaSuccess) cudaGetLastError();  // it is told once
  CP_CUDA_CHECK(status);
}

Work Work::of_kernel(const void* function, dim3 grid, const void* const* arguments, const size_t* sizes, size_t count) {
  Work y(Kind::kernel);
  y.function = function;
  y.grid = grid;
  constexpr size_t alignment = 16;
  size_t end = 0;
  for (size_t i = 0; i < count; ++i) {
    y.offsets.push_back(end);
    end = (end + sizes[i] + alignment - 1) / alignment * alignment;
  }
  y.arguments.resize(end);
  for (size_t i = 0; i < count; ++i) std::memcpy(y.arguments.data() + y.offsets[i], arguments[i], sizes[i]);
  return y;
}

Work Work::of_copy(void* to, const void* from, size_t bytes, cudaMemcpyKind direction) {
  Work y(Kind::copy, bytes);
  y.to = to;
  y.from = from;
  y.direction = direction;
  return y;
}

Work Work::of_call(const void* kind, std::vector<char> kernels, std::vector<char> data,
                   std::function<void(cudaStream_t)> call) {
  Work y(Kind::call);
  y.function = kind;
  y.kernels = std::move(kernels);
  y.arguments = std::move(data);
  y.call = std::move(call);
  return y;
}

bool Work::resembles(const Work& other) const {
  return kind == other.kind && bytes == other.bytes && allocation == other.allocation && function == other.function &&
         direction == other.direction && offsets == other.offsets && kernels == other.kernels;
}

bool Work::operator==(const Work& other) const {
  const auto blocks = [](dim3 grid) { return std::make_tuple(grid.x, grid.y, grid.z); };
  return resembles(other) && arguments == other.arguments && blocks(grid) == blocks(other.grid) && to == other.to &&
         from == other.from;
}

cudaKernelNodeParams Work::kernel_node(std::vector<void*>& pointers) const {
  for (const size_t offset : offsets) pointers.push_back(const_cast<char*>(arguments.data()) + offset);
  cudaKernelNodeParams y = {};
  y.func = const_cast<void*>(function);
  y.gridDim = grid;
  y.blockDim = dim3(block_threads);
  y.kernelParams = pointers.data();
  return y;
}

void Work::start(cudaStream_t stream) const {
  if (kind == Kind::kernel) {
    std::vector<void*> pointers;
    const cudaKernelNodeParams p = kernel_node(pointers);
    start_kernel(p.func, p.gridDim, p.kernelParams, stream);
  }
  if (kind == Kind::copy) CP_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, direction, stream));
  if (kind == Kind::call) call(stream);
}

namespace {

// What a call of a library enqueues, as a graph of its own.
class CapturedCall {
 public:
  CapturedCall(const Work& work, cudaStream_t stream) {
    // (Relaxed: CUDA may load a kernel's code at its first use.)
    CP_CUDA_CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    try {
      work.call(stream);
    } catch (...) {
      cudaStreamEndCapture(stream, &graph_);
      cudaGetLastError();
      if (graph_) cudaGraphDestroy(graph_);
      throw;
    }
    CP_CUDA_CHECK(cudaStreamEndCapture(stream, &graph_));
  }
  ~CapturedCall() { cudaGraphDestroy(graph_); }
  CapturedCall(const CapturedCall&) = delete;
  CapturedCall& operator=(const CapturedCall&) = delete;
  cudaGraph_t graph() const { return graph_; }

 private:
  cudaGraph_t graph_ = nullptr;
};

}  // namespace

cudaGraphNode_t Work::add_to(cudaGraph_t graph, const std::vector<cudaGraphNode_t>& after, cudaStream_t stream) const {
  cudaGraphNode_t node = nullptr;
  if (kind == Kind::kernel) {
    std::vector<void*> pointers;
    const cudaKernelNodeParams p = kernel_node(pointers);
    CP_CUDA_CHECK(cudaGraphAddKernelNode(&node, graph, after.data(), after.size(), &p));
  }
  if (kind == Kind::copy)
    CP_CUDA_CHECK(cudaGraphAddMemcpyNode1D(&node, graph, after.data(), after.size(), to, from, bytes, direction));
  if (kind == Kind::call) {
    const CapturedCall captured(*this, stream);
    CP_CUDA_CHECK(cudaGraphAddChildGraphNode(&node, graph, after.data(), after.size(), captured.graph()));
  }
  return node;
}

cudaError_t Work::update(cudaGraphExec_t graph, cudaGraphNode_t node, cudaStream_t stream) const {
  cudaError_t status = cudaSuccess;
  if (kind == Kind::kernel) {
    std::vector<void*> pointers;
    const cudaKernelNodeParams p = kernel_node(pointers);
    status = cudaGraphExecKernelNodeSetParams(graph, node, &p);
  }
  if (kind == Kind::copy) status = cudaGraphExecMemcpyNodeSetParams1D(graph, node, to, from, bytes, direction);
  if (kind == Kind::call) {
    const CapturedCall captured(*this, stream);
    status = cudaGraphExecChildGraphNodeSetParams(graph, node, captured.graph());
  }
  if (status == cudaErrorGraphExecUpdateFailure || status == cudaErrorInvalidValue || status == cudaErrorNotSupported) {
    return cudaGetLastError(), status;
  }
  CP_CUDA_CHECK(status);
  return status;
}

}  // namespace counterpoise::detail
