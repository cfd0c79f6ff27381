// A caching allocator: training requests the same sizes in every step, and new memory is slow, because the operating
// system clears each page when it is first touched. So released blocks are kept and reused. They are not kept without
// limit: where sizes change, as with images of many sizes, those that were not needed for longest go first.
// Thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
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
  // The bytes of all blocks, in use or kept.
  size_t held() const;

 private:
  struct Unused {
    void* memory;
    uint64_t released;  // as which release of all
  };
  // These are called with the mutex locked.
  void* reuse(size_t capacity);
  void hand_out(void* memory, size_t capacity);
  void make_room(size_t capacity);  // for a new block

  mutable std::mutex mutex_;
  std::multimap<size_t, Unused> unused_;      // by capacity
  std::unordered_map<void*, size_t> in_use_;  // capacity of each block handed out
  size_t unused_bytes_ = 0, in_use_bytes_ = 0, most_in_use_ = 0;
  uint64_t releases_ = 0;
};

}  // namespace counterpoise::detail
