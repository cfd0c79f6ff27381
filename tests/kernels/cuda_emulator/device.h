// The emulated GPU's state, for the files of this folder.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <map>

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
  const size_t memory = static_cast<size_t>(emulator_setting("memory", 1 << 20)) << 20;
  const long fail_after = emulator_setting("fail-after", 0);
  EmulatedQueue queue;
  MemoryMap blocks, pinned;  // the GPU's memory, and what cudaMallocHost() gave
  size_t used = 0, used_high = 0, reserved = 0, reserved_high = 0;
  long kernels = 0;
  cudaError_t fault = cudaSuccess;  // as after an illegal access: every call fails from then on
  cudaError_t late = cudaSuccess;   // an error of work that has run, for the next call to tell
  cudaError_t last = cudaSuccess;   // what cudaGetLastError() will tell

  cudaError_t report(cudaError_t status) {
    if (status != cudaSuccess) last = status;
    return status;
  }
  // For calls that tell the errors of earlier work.
  cudaError_t state();
  // Enqueues work that a broken GPU does not do.
  cudaError_t enqueue(EmulatedQueue::Work work, size_t held_bytes = 0);
};

// Never destroyed: work that nobody waited for may be left when the program ends.
EmulatedGpu& gpu();

}  // namespace counterpoise
