// Scratch memory from a backend, released at the end of the scope. Throws what Backend::allocate() throws.
// An object belongs to one thread.
#pragma once

#include "kernels/backend.h"

namespace counterpoise::detail {

template <class T>
class Scratch {
 public:
  Scratch(Backend& backend, Index size)
      : backend_(backend), bytes_(size * sizeof(T)), data_(static_cast<T*>(backend.allocate(bytes_))) {}
  ~Scratch() { backend_.release(data_, bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* get() const { return data_; }

 private:
  Backend& backend_;
  size_t bytes_;
  T* data_;
};

}  // namespace counterpoise::detail
