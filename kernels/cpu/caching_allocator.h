// A caching allocator: training requests the same sizes in every step, and new memory is slow, because the operating
// system clears each page when it is first touched. So released blocks are kept and reused. Thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <unordered_map>

namespace counterpoise::detail {

class CachingAllocator {
 public:
  ~CachingAllocator() { trim(); }

  // At least `bytes` bytes aligned to 64, or null if they are not available, even after trim().
  void* allocate(size_t bytes);
  void release(void* memory) noexcept;
  // Gives all unused memory back to the operating system.
  void trim() noexcept;

 private:
  void* reuse(size_t bytes);

  std::mutex mutex_;
  std::multimap<size_t, void*> unused_;       // by capacity
  std::unordered_map<void*, size_t> in_use_;  // capacity of each block handed out
};

}  // namespace counterpoise::detail
