// The emulated GPU's state, for the files of this folder.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "tests/kernels/cuda_emulator/emulator.h"

namespace counterpoise {

// Enqueued work, in order. It runs as late as possible: when someone waits for it, or when the queue is long.
class EmulatedQueue {
 public:
  using Work = std::function<void()>;

  // Returns the number of the work. `held_bytes`: the host's memory that it releases when it has run.
  uint64_t push(Work work, size_t held_bytes = 0);
  bool has_run(uint64_t number) const { return number <= run_; }
  uint64_t last() const { return run_ + entries_.size(); }
  void run_next();
  // The host waits until the work with this number, and all before it, has run.
  void wait_for(uint64_t number);
  long waits() const { return waits_; }

 private:
  struct Entry {
    Work work;
    size_t held_bytes;
  };
  static constexpr size_t most_entries = 4096, most_held_bytes = size_t(256) << 20;

  const bool eager_ = emulator_setting("eager", 0) != 0;
  std::deque<Entry> entries_;
  uint64_t run_ = 0;  // the number of the last work that has run
  size_t held_bytes_ = 0;
  long waits_ = 0;
};

// Address and size of blocks of memory.
class MemoryMap {
 public:
  void add(void* memory, size_t bytes) { blocks_[static_cast<char*>(memory)] = bytes; }
  // The size of the block that starts here, which is removed; false if there is none.
  bool remove(void* memory, size_t* bytes);
  // Whether one of the blocks holds all of these bytes.
  bool holds(const void* memory, size_t bytes) const;

 private:
  std::map<const char*, size_t> blocks_;
};

struct EmulatedGpu {
  size_t memory = static_cast<size_t>(emulator_setting("memory", 1 << 20)) << 20;  // in all
  const long fail_after = emulator_setting("fail-after", 0), no_code = emulator_setting("no-code", 0);
  EmulatedQueue queue;
  MemoryMap blocks, pinned;  // the GPU's memory, and what cudaMallocHost() gave
  size_t used = 0, used_high = 0, reserved = 0, reserved_high = 0;
  long kernels = 0, loads = 0, launches = 0, graphs = 0, graph_updates = 0;
  std::unique_ptr<std::vector<EmulatedQueue::Work>> captured;  // while a stream is captured
  bool capture_is_broken = false;
  cudaError_t fault = cudaSuccess;  // as after an illegal access: every call fails from then on
  cudaError_t late = cudaSuccess;   // an error of work that has run, for the next call to tell
  cudaError_t last = cudaSuccess;   // what cudaGetLastError() will tell

  cudaError_t report(cudaError_t status) {
    if (status != cudaSuccess) last = status;
    return status;
  }
  // For calls that tell the errors of earlier work.
  cudaError_t state();
  // For calls that nothing may make while a stream is captured: an error then, and the capture is lost.
  cudaError_t outside_of_capture();
  // Enqueues work that a broken GPU does not do, or gives it to the graph that is being captured.
  cudaError_t enqueue(EmulatedQueue::Work work, size_t held_bytes = 0);
};

// The work of a kernel, or of a copy between memory that need not be read at once; an error where CUDA would refuse it.
cudaError_t kernel_work(bool waits, dim3 grid, dim3 block, size_t argument_bytes, std::function<void()> kernel,
                        EmulatedQueue::Work& work);
cudaError_t copy_work(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, EmulatedQueue::Work& work);

// Never destroyed: work that nobody waited for may be left when the program ends.
EmulatedGpu& gpu();

}  // namespace counterpoise
