// One piece of work in the queue, kept so that it can be started later, compared with another one, and made a node of a
// CUDA graph.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <vector>

#include "kernels/view.h"

namespace counterpoise::detail {

constexpr int block_threads = 256;  // in each block of every kernel of ours

// Throws Error(device).
void start_kernel(const void* function, dim3 grid, void** arguments, cudaStream_t stream);

struct Work {
  enum class Kind {
    kernel,  // of ours
    copy,    // of `bytes` bytes
    call,    // of a library, which may start several kernels
    // What follows is work only in so far as it stands in the same order.
    allocation,    // of `bytes` bytes
    release,       // of what the work with the number `allocation` has allocated
    aside_begins,  // marks of Backend::aside(): the work between these two may run beside the work after them, until
    aside_ends,
    rejoin
  };
  explicit Work(Kind kind, size_t bytes = 0) : kind(kind), bytes(bytes) {}

  Kind kind;
  size_t bytes;
  Index allocation = -1;

  const void* function = nullptr;  // of a kernel; of a call, its kind
  dim3 grid = dim3(1);
  // A kernel's arguments one after the other, at the offsets; of a call, the addresses that its kernels get.
  std::vector<char> arguments;
  std::vector<size_t> offsets;
  std::vector<char> kernels;  // of a call: from which follows what kernels it starts

  void* to = nullptr;
  const void* from = nullptr;
  cudaMemcpyKind direction = cudaMemcpyDefault;

  std::function<void(cudaStream_t)> call;

  // `sizes` are those of the arguments.
  static Work of_kernel(const void* function, dim3 grid, const void* const* arguments, const size_t* sizes,
                        size_t count);
  static Work of_copy(void* to, const void* from, size_t bytes, cudaMemcpyKind direction);
  // As Queue::call(): two of the same kind, with the same `kernels` and `data`, do the same.
  static Work of_call(const void* kind, std::vector<char> kernels, std::vector<char> data,
                      std::function<void(cudaStream_t)> call);

  // Whether it is the same but for its arguments, so that a node of a graph can become this work. (Calls with other
  // kernels are not, even if they are as many: there are reports that a node then keeps the old ones' clusters of
  // blocks. https://github.com/ml-explore/mlx/pull/2813)
  bool resembles(const Work& other) const;
  bool operator==(const Work& other) const;

  // Each of these throws Error(device). Only the first three kinds are started.
  void start(cudaStream_t stream) const;
  // Makes a node of the graph that waits for others. A call is captured on the stream. Null for what is not started.
  cudaGraphNode_t add_to(cudaGraph_t graph, const std::vector<cudaGraphNode_t>& after, cudaStream_t stream) const;
  // Makes a node of the graph this work. Not cudaSuccess if CUDA refuses: then a new graph must be made.
  cudaError_t update(cudaGraphExec_t graph, cudaGraphNode_t node, cudaStream_t stream) const;

 private:
  cudaKernelNodeParams kernel_node(std::vector<void*>& pointers) const;
};

}  // namespace counterpoise::detail
