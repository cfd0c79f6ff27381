#include "kernels/cuda/queue.h"

#include <algorithm>
#include <limits>

#include "kernels/cuda/check.h"
#include "kernels/cuda/cuda_step_graph.h"

namespace counterpoise::detail {

void Queue::open(const std::string& device_text) {
  device_text_ = device_text;
  CP_CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  int supported = 0;
  CP_CUDA_CHECK(cudaDeviceGetAttribute(&supported, cudaDevAttrMemoryPoolsSupported, 0));
  CP_ENSURE_AS(device, supported, device_text_, ": its driver has no memory pools; update the driver");
  cudaMemPoolProps properties = {};
  properties.allocType = cudaMemAllocationTypePinned;
  properties.location = {cudaMemLocationTypeDevice, 0};
  CP_CUDA_CHECK(cudaMemPoolCreate(&pool_, &properties));
  uint64_t keep_all = std::numeric_limits<uint64_t>::max();  // released memory is not returned to the driver
  CP_CUDA_CHECK(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep_all));
}

cudaStream_t Queue::stream() {
  if (step_) step_->interrupt();
  return stream_;
}

// -- work --

bool Queue::lists_work() const { return step_ && step_->lists_work(); }
void Queue::add(Work work) { step_->add(std::move(work)); }

void Queue::kernel(const void* function, dim3 grid, void** arguments, const size_t* sizes, size_t count) {
  if (lists_work()) return add(Work::of_kernel(function, grid, arguments, sizes, count));
  start_kernel(function, grid, arguments, stream_);
}

void Queue::copy(void* to, const void* from, size_t bytes, cudaMemcpyKind direction) {
  if (bytes == 0) return;
  if (lists_work()) return add(Work::of_copy(to, from, bytes, direction));
  CP_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, direction, stream_));
}

void Queue::begin_aside() {
  rejoin();
  if (lists_work()) add(Work(Work::Kind::aside_begins));
  is_aside_ = true;
}

void Queue::end_aside() {
  is_aside_ = false;
  rejoins_ = true;
  if (lists_work()) add(Work(Work::Kind::aside_ends));
}

void Queue::rejoin() {
  if (!rejoins_) return;
  rejoins_ = false;
  if (lists_work()) add(Work(Work::Kind::rejoin));
}

// -- memory --

void* Queue::allocate(size_t bytes) { return step_ ? step_->allocate(bytes) : allocate_now(bytes); }

void Queue::release(void* memory) noexcept {
  if (step_) step_->release(memory);
  else release_now(memory);
}

// Null if there is not as much.
void* Queue::allocate_from_pool(size_t bytes) {
  void* memory = nullptr;
  const cudaError_t status = cudaMallocFromPoolAsync(&memory, bytes ? bytes : 1, pool_, stream_);
  if (status == cudaErrorMemoryAllocation) return cudaGetLastError(), nullptr;
  CP_CUDA_CHECK(status);
  return memory;
}

void* Queue::allocate_now(size_t bytes) {
  if (void* const memory = allocate_from_pool(bytes)) return memory;
  trim();  // the pool may hold blocks that are too small
  if (void* const memory = allocate_from_pool(bytes)) return memory;
  if (void* const memory = allocate_at_the_cost_of_graphs(bytes)) return memory;
  constexpr size_t mebibyte = size_t(1) << 20;
  uint64_t used = 0;
  cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrUsedMemCurrent, &used);
  throw Error(ErrorKind::out_of_memory, "out of memory on the ", device_text_, ": ", used / mebibyte,
              " MiB are in use and ", bytes / mebibyte, " MiB more could not be allocated");
}

// A step that leaves its graph's list, or does not belong to it, needs memory beside the graph's. Where there is too
// little for both, graphs whose memory is not in use are given up; of the others' the gaps are used, if one is large
// enough: what they are kept for has been started, so that the order of the stream protects them.
void* Queue::allocate_at_the_cost_of_graphs(size_t bytes) {
  std::vector<CudaStepGraph*> idle;
  for (const auto& arena : arenas_) {
    if (arena->owner() && !arena->in_use()) idle.push_back(arena->owner());
  }
  for (CudaStepGraph* const graph : idle) graph->forget();
  if (!idle.empty()) {
    trim();
    if (void* const memory = allocate_from_pool(bytes)) return memory;
  }
  for (const auto& arena : arenas_) {
    if (void* const memory = arena->take_gap(bytes)) return memory;
  }
  return nullptr;
}

void Queue::release_now(void* memory) noexcept {
  for (const auto& arena : arenas_) {
    if (!arena->holds(memory)) continue;
    arena->give_back(memory);
    return release_if_unused(arena.get());
  }
  cudaFreeAsync(memory, stream_);
}

MemoryPeaks Queue::memory_peaks() const {
  uint64_t allocated = 0, reserved = 0;
  CP_CUDA_CHECK(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrUsedMemHigh, &allocated));
  CP_CUDA_CHECK(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrReservedMemHigh, &reserved));
  return {allocated, reserved};
}

void Queue::trim() {
  CP_CUDA_CHECK(cudaStreamSynchronize(stream()));
  CP_CUDA_CHECK(cudaMemPoolTrimTo(pool_, 0));
}

void Queue::reset_memory_peaks() {
  trim();
  for (const cudaMemPoolAttr peak : {cudaMemPoolAttrUsedMemHigh, cudaMemPoolAttrReservedMemHigh}) {
    uint64_t zero = 0;  // the only number that CUDA accepts: the peak becomes the present number of bytes
    CP_CUDA_CHECK(cudaMemPoolSetAttribute(pool_, peak, &zero));
  }
}

// -- arenas --

Arena* Queue::make_arena(size_t bytes, CudaStepGraph& owner) {
  void* const memory = allocate_from_pool(bytes);
  if (!memory) return nullptr;
  arenas_.push_back(std::make_unique<Arena>(memory, bytes, owner));
  return arenas_.back().get();
}

// It stays allocated until none of its blocks is in use.
void Queue::retire(Arena* arena) noexcept {
  arena->retire();
  release_if_unused(arena);
}

void Queue::release_if_unused(Arena* arena) noexcept {
  if (arena->owner() || arena->in_use()) return;
  cudaFreeAsync(arena->begin(), stream_);
  arenas_.erase(std::find_if(arenas_.begin(), arenas_.end(), [&](const auto& a) { return a.get() == arena; }));
}

}  // namespace counterpoise::detail
