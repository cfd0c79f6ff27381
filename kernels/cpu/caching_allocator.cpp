#include "kernels/cpu/caching_allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
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

// Under AddressSanitizer nothing is kept, so that a use after release is caught.
#ifdef __SANITIZE_ADDRESS__
constexpr bool caching = false;
#else
constexpr bool caching = true;
#endif
// Large blocks are mapped, because malloc() does not give all that is freed back to the system. (Under AddressSanitizer
// all blocks come from malloc, which it watches.)
bool is_mapped(size_t capacity) { return caching && capacity >= huge; }

void* fresh(size_t capacity) {
  void* memory = nullptr;
  // Unlike aligned_alloc, this function takes capacities that are not a multiple of the alignment.
  if (!is_mapped(capacity)) return posix_memalign(&memory, 64, capacity) == 0 ? memory : nullptr;
  memory = mmap(nullptr, capacity + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  const size_t before = (huge - reinterpret_cast<uintptr_t>(memory) % huge) % huge;  // to the next huge page
  char* const block = static_cast<char*>(memory) + before;
  if (before > 0) munmap(memory, before);
  munmap(block + capacity, huge - before);
#ifdef MADV_HUGEPAGE
  madvise(block, capacity, MADV_HUGEPAGE);
#endif
  return block;
}

void give_back(void* memory, size_t capacity) {
  if (is_mapped(capacity)) munmap(memory, capacity);
  else std::free(memory);
}

// A released block is reused unless it is so much larger than the request that memory would be wasted.
size_t largest_acceptable(size_t capacity) { return capacity + capacity / 8; }

// All blocks together take at most so many times the memory that was in use at once. The blocks of a step take less
// than twice that, in every network measured: so they are all kept, and there is room for steps of a second size.
// Without a limit, images of ever other sizes would leave blocks of every size behind.
constexpr size_t most_times = 3;

}  // namespace

void* CachingAllocator::reuse(size_t capacity) {
  const auto it = unused_.lower_bound(capacity);
  if (it == unused_.end() || it->first > largest_acceptable(capacity)) return nullptr;
  void* memory = it->second.memory;
  hand_out(memory, it->first);
  unused_bytes_ -= it->first;
  unused_.erase(it);
  return memory;
}

void CachingAllocator::hand_out(void* memory, size_t capacity) {
  in_use_.emplace(memory, capacity);
  in_use_bytes_ += capacity;
  most_in_use_ = std::max(most_in_use_, in_use_bytes_);
}

void CachingAllocator::make_room(size_t capacity) {
  const size_t needed = in_use_bytes_ + capacity, limit = most_times * std::max(most_in_use_, needed);
  while (!unused_.empty() && needed + unused_bytes_ > limit) {
    const auto oldest = std::min_element(unused_.begin(), unused_.end(), [](const auto& a, const auto& b) {
      return a.second.released < b.second.released;
    });
    give_back(oldest->second.memory, oldest->first);
    unused_bytes_ -= oldest->first;
    unused_.erase(oldest);
  }
}

void* CachingAllocator::allocate(size_t bytes) {
  const size_t capacity = round_up(bytes ? bytes : 1);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (void* memory = reuse(capacity)) return memory;
    make_room(capacity);
  }
  void* memory = fresh(capacity);
  if (!memory) {
    trim();
    memory = fresh(capacity);
  }
  if (memory) {
    std::lock_guard<std::mutex> lock(mutex_);
    hand_out(memory, capacity);
  }
  return memory;
}

void CachingAllocator::release(void* memory) noexcept {
  if (!memory) return;
  std::lock_guard<std::mutex> lock(mutex_);
  const auto it = in_use_.find(memory);
  if (it == in_use_.end()) return;
  in_use_bytes_ -= it->second;
  if (caching) {
    unused_.emplace(it->second, Unused{memory, ++releases_});
    unused_bytes_ += it->second;
  } else {
    give_back(memory, it->second);
  }
  in_use_.erase(it);
}

void CachingAllocator::trim() noexcept {
  std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& block : unused_) give_back(block.second.memory, block.first);
  unused_.clear();
  unused_bytes_ = 0;
}

size_t CachingAllocator::held() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return unused_bytes_ + in_use_bytes_;
}

}  // namespace counterpoise::detail
