// The backends that the tests run on, and how they run a function on one.
#pragma once

#include <cstring>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "layers/module.h"
#include "tests/core/op_table.h"

namespace counterpoise {

// What a guarded backend has observed.
struct Guard {
  int64_t live_blocks = 0, live_bytes = 0, damaged = 0;
};

// A backend whose memory is initialized with NaN and surrounded by guard words, which are NaN as well: a kernel that
// reads uninitialized numbers, or beyond an end, shows it in its results, and one that writes beyond an end is found
// when the block is released.
template <class B>
class Guarded : public B, public Guard {
 public:
  void* allocate(size_t bytes) override {
    char* block = static_cast<char*>(B::allocate(bytes + 2 * margin));
    set_words(block, margin);
    std::memset(block + margin, 0xff, bytes);
    set_words(block + margin + bytes, margin);
    ++live_blocks;
    live_bytes += static_cast<int64_t>(bytes);
    return block + margin;
  }
  void release(void* memory, size_t bytes) noexcept override {
    char* block = static_cast<char*>(memory) - margin;
    char expected[margin];
    set_words(expected, margin);
    if (std::memcmp(block, expected, margin) != 0) ++damaged;
    if (std::memcmp(block + margin + bytes, expected, margin) != 0) ++damaged;
    --live_blocks;
    live_bytes -= static_cast<int64_t>(bytes);
    B::release(block, bytes + 2 * margin);
  }

 private:
  static constexpr size_t margin = 64;
  static void set_words(char* to, size_t bytes) {
    constexpr uint64_t word = 0x7ff9a5a57fc5a5a5;  // NaN as a double and as two floats
    for (size_t i = 0; i < bytes; i += sizeof word) std::memcpy(to + i, &word, sizeof word);
  }
};

// The reference and the cpu backend, guarded, and the cuda backend if there is one.
struct TestBackend {
  Backend& backend;
  const Guard* guard;  // null where the memory is not the program's own
};
std::vector<TestBackend> test_backends();

Guarded<ReferenceBackend>& guarded_reference();
Guarded<CpuBackend>& guarded_cpu();

// Sets the number of threads until the end of the scope.
struct Threads {
  const int before = cpu_threads();
  explicit Threads(int n) { set_cpu_threads(n); }
  ~Threads() { set_cpu_threads(before); }
};

bool computes_in(const Backend& backend, DType dtype);

// Nothing was leaked, and no guard word overwritten.
void check_guard(const TestBackend& machine);

// Leaves that require gradients, with the numbers of draw().
std::vector<Var> leaves(const std::vector<Input>& inputs, Backend& backend, DType dtype);

Tensor random_tensor(Backend& backend, const Shape& shape, DType dtype = DType::f32, uint64_t index = 0);

// The value of a function and the gradients of its weighted sum, accumulated `times` times.
struct Run {
  std::vector<double> value;
  std::vector<std::vector<double>> gradients;
};
Run run(const OpRow& row, Backend& backend, DType dtype, int times = 1);

// A module's parameter or buffer by its name; fails the test if there is none.
Var parameter(const Module& module, const std::string& name);

void check_agree(const Run& a, const Run& b, double tolerance);

}  // namespace counterpoise
