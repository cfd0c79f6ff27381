// A limit of the memory that several threads use at the same time.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace counterpoise::detail {

// Safe to use from several threads.
class MemoryBudget {
 public:
  explicit MemoryBudget(size_t bytes) : bytes_(bytes), left_(bytes) {}

  // A part of the budget, from construction to destruction. A thread must hold no more than one: then none waits for
  // ever. What asks for more than the whole budget gets all of it, so that it is alone.
  class Part {
   public:
    Part(MemoryBudget& budget, size_t bytes) : budget_(budget), bytes_(std::min(bytes, budget.bytes_)) {
      std::unique_lock<std::mutex> lock(budget_.mutex_);
      budget_.returned_.wait(lock, [this] { return bytes_ <= budget_.left_; });
      budget_.left_ -= bytes_;
    }
    ~Part() {
      {
        const std::lock_guard<std::mutex> lock(budget_.mutex_);
        budget_.left_ += bytes_;
      }
      budget_.returned_.notify_all();
    }
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;

   private:
    MemoryBudget& budget_;
    const size_t bytes_;
  };

 private:
  const size_t bytes_;
  size_t left_;
  std::mutex mutex_;
  std::condition_variable returned_;
};

}  // namespace counterpoise::detail
