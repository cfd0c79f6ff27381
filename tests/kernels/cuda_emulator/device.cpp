#include "tests/kernels/cuda_emulator/device.h"

#include <cstdlib>
#include <string>

namespace counterpoise {

long emulator_setting(const char* word, long otherwise) {
  const char* all = std::getenv("CUDA_EMULATOR");
  for (std::string rest = all ? all : ""; !rest.empty();) {
    const size_t comma = rest.find(',');
    const std::string item = rest.substr(0, comma);
    const size_t equals = item.find('=');
    if (item.substr(0, equals) == word) return equals == std::string::npos ? 1 : std::atol(item.c_str() + equals + 1);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
  }
  return otherwise;
}

// -- the queue --

uint64_t EmulatedQueue::push(Work work, size_t held_bytes) {
  entries_.push_back({std::move(work), held_bytes});
  held_bytes_ += held_bytes;
  const uint64_t number = last();
  while (!entries_.empty() && (eager_ || entries_.size() > most_entries || held_bytes_ > most_held_bytes)) run_next();
  return number;
}

void EmulatedQueue::run_next() {
  const Entry entry = std::move(entries_.front());
  entries_.pop_front();
  held_bytes_ -= entry.held_bytes;
  ++run_;
  entry.work();
}

void EmulatedQueue::wait_for(uint64_t number) {
  if (has_run(number)) return;
  ++waits_;
  while (!has_run(number)) run_next();
}

// -- the GPU --

bool MemoryMap::remove(void* memory, size_t* bytes) {
  const auto it = blocks_.find(static_cast<char*>(memory));
  if (it == blocks_.end()) return false;
  *bytes = it->second;
  blocks_.erase(it);
  return true;
}

bool MemoryMap::holds(const void* memory, size_t bytes) const {
  const char* const begin = static_cast<const char*>(memory);
  auto it = blocks_.upper_bound(begin);
  if (it == blocks_.begin()) return false;
  --it;
  return begin + bytes <= it->first + it->second;
}

cudaError_t EmulatedGpu::state() {
  if (fault != cudaSuccess) return report(fault);
  const cudaError_t status = late;
  late = cudaSuccess;
  return report(status);
}

cudaError_t EmulatedGpu::enqueue(EmulatedQueue::Work work, size_t held_bytes) {
  const cudaError_t status = state();
  if (status != cudaSuccess) return status;
  if (captured) return captured->push_back(std::move(work)), cudaSuccess;
  ++launches;
  queue.push(
      [this, work = std::move(work)] {
        if (fault == cudaSuccess) work();
      },
      held_bytes);
  return state();
}

cudaError_t EmulatedGpu::outside_of_capture() {
  if (!captured) return cudaSuccess;
  capture_is_broken = true;
  return report(cudaErrorStreamCaptureUnsupported);
}

EmulatedGpu& gpu() {
  static EmulatedGpu& gpu = *new EmulatedGpu;
  return gpu;
}

void enqueue(std::function<void()> work) { gpu().enqueue(std::move(work)); }
long emulated_waits() { return gpu().queue.waits(); }
long emulated_graphs() { return gpu().graphs; }
long emulated_graph_updates() { return gpu().graph_updates; }
long emulated_launches() { return gpu().launches; }

}  // namespace counterpoise
