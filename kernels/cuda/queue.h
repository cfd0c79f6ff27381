// The cuda backend's queue: the CUDA stream in whose order everything runs, and the memory that is allocated and
// released in this order. While a step is run that is repeated (cuda_step_graph.h), its work goes to the step's graph
// first.
//
// Memory comes from CUDA's stream-ordered pool, which keeps released memory for reuse: work that was enqueued before
// the release may still read it. For one thread.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cuda/arena.h"
#include "kernels/cuda/work.h"

namespace counterpoise::detail {

class CudaStepGraph;

class Queue {
 public:
  // Creates stream and pool on the current GPU, which errors call by this text. Throws Error(device).
  void open(const std::string& device_text);

  // The stream, for what cannot be in a graph, as an event or a wait: the work before it has been started then.
  cudaStream_t stream();

  // -- work. Each throws Error(device) --
  void kernel(const void* function, dim3 grid, void** arguments, const size_t* sizes, size_t count);
  void copy(void* to, const void* from, size_t bytes, cudaMemcpyKind direction);
  // A library's call(stream), which enqueues on the stream and does nothing else. It depends on `kernels`, from which
  // follows what kernels it starts, and on `data`, the addresses that they get; `kernels` is of a type that only these
  // calls have. `call` keeps alive what both point to on the host.
  template <class Kernels, class Data, class Call>
  void call(const Kernels& kernels, const Data& data, const Call& call) {
    static_assert(std::has_unique_object_representations_v<Kernels> && std::has_unique_object_representations_v<Data>,
                  "two calls are compared byte by byte");
    if (lists_work()) add(Work::of_call(&kind_of_call<Kernels>, bytes_of(kernels), bytes_of(data), call));
    else call(stream_);
  }

  // Backend::aside() and rejoin(). Work is started in the order in which it comes: only a step's graph has branches.
  void begin_aside();
  void end_aside();
  void rejoin();
  bool is_aside() const { return is_aside_; }

  // -- memory --
  // Throws Error(out_of_memory) or Error(device).
  void* allocate(size_t bytes);
  void release(void* memory) noexcept;
  MemoryPeaks memory_peaks() const;
  // Waits, returns memory that is not in use to the system, and begins new peaks.
  void reset_memory_peaks();

 private:
  friend class CudaStepGraph;
  template <class Kernels>
  static constexpr char kind_of_call = 0;  // whose address tells the types apart
  template <class T>
  static std::vector<char> bytes_of(const T& x) {
    const char* const first = reinterpret_cast<const char*>(&x);
    return {first, first + sizeof x};
  }
  bool lists_work() const;  // for a step's graph
  void add(Work work);
  void* allocate_now(size_t bytes);
  void* allocate_from_pool(size_t bytes);
  void* allocate_at_the_cost_of_graphs(size_t bytes);
  void release_now(void* memory) noexcept;
  // Returns memory that is not in use to the system, after the GPU has done all that was started.
  void trim();
  Arena* make_arena(size_t bytes, CudaStepGraph& owner);  // null if there is no memory
  void retire(Arena* arena) noexcept;
  void release_if_unused(Arena* arena) noexcept;

  std::string device_text_;
  cudaStream_t stream_ = nullptr;
  cudaMemPool_t pool_ = nullptr;
  CudaStepGraph* step_ = nullptr;            // the one that is being run
  bool is_aside_ = false, rejoins_ = false;  // what comes next; whether something was aside since the last rejoin()
  std::vector<std::unique_ptr<Arena>> arenas_;
};

}  // namespace counterpoise::detail
