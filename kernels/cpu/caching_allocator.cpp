#include "kernels/cpu/caching_allocator.h"

#include <sys/mman.h>

#include <cstdlib>

namespace counterpoise::detail {

namespace {

// Blocks this large are aligned to huge pages, which Linux is advised to use: one page table entry for 2 MiB, not 4
// KiB.
constexpr size_t huge = size_t(2) << 20;

size_t round_up(size_t bytes) {
  const size_t unit = bytes >= huge ? huge / 8 : 256;
  return (bytes + unit - 1) / unit * unit;
}

void* fresh(size_t capacity) {
  void* memory = nullptr;
  // Unlike aligned_alloc, this function takes capacities that are not a multiple of the alignment.
  if (posix_memalign(&memory, capacity >= huge ? huge : 64, capacity) != 0) return nullptr;
#ifdef MADV_HUGEPAGE
  if (capacity >= huge) madvise(memory, capacity, MADV_HUGEPAGE);
#endif
  return memory;
}

// A released block is reused unless it is so much larger than the request that memory would be wasted. Under
// AddressSanitizer nothing is kept, so that a use after release is caught.
#ifdef __SANITIZE_ADDRESS__
constexpr bool caching = false;
#else
constexpr bool caching = true;
#endif
size_t largest_acceptable(size_t capacity) { return capacity + capacity / 8; }

}  // namespace

void* CachingAllocator::reuse(size_t capacity) {
  const auto it = unused_.lower_bound(capacity);
  if (it == unused_.end() || it->first > largest_acceptable(capacity)) return nullptr;
  void* memory = it->second;
  in_use_.emplace(memory, it->first);
  unused_.erase(it);
  return memory;
}

void* CachingAllocator::allocate(size_t bytes) {
  const size_t capacity = round_up(bytes ? bytes : 1);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (void* memory = reuse(capacity)) return memory;
  }
  void* memory = fresh(capacity);
  if (!memory) {
    trim();
    memory = fresh(capacity);
  }
  if (memory) {
    std::lock_guard<std::mutex> lock(mutex_);
    in_use_.emplace(memory, capacity);
  }
  return memory;
}

void CachingAllocator::release(void* memory) noexcept {
  if (!memory) return;
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = in_use_.find(memory);
  if (it == in_use_.end()) return;
  if (caching) {
    unused_.emplace(it->second, memory);
  } else {
    std::free(memory);
  }
  in_use_.erase(it);
}

void CachingAllocator::trim() noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& block : unused_) std::free(block.second);
  unused_.clear();
}

}  // namespace counterpoise::detail
