#include "kernels/cpu/blas.h"

#include <sys/mman.h>

#include <atomic>
#include <mutex>
#include <vector>

// OpenBLAS's own functions, exported since GotoBLAS though in no header; null in a build that hides them.
extern "C" __attribute__((weak)) void* blas_memory_alloc(int);
extern "C" __attribute__((weak)) void blas_memory_free(void*);

namespace counterpoise::detail {

namespace {

constexpr size_t buffer_bytes = size_t{129} << 20;  // a little more than OpenBLAS's largest
constexpr int most_buffers = 64;                    // it has 2 for each thread that it was built for

bool can_map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  munmap(memory, bytes);
  return true;
}

}  // namespace

void reserve_gemm_buffers() {
  static std::atomic<int> reserved{0};
  static std::mutex mutex;
  const int wanted = std::min(cpu_threads(), most_buffers);
  if (reserved >= wanted || blas_memory_alloc == nullptr || blas_memory_free == nullptr) return;
  const std::lock_guard<std::mutex> lock(mutex);
  if (reserved >= wanted) return;
  std::vector<void*> buffers;
  buffers.reserve(static_cast<size_t>(wanted));
  while (static_cast<int>(buffers.size()) < wanted) {
    if (static_cast<int>(buffers.size()) >= reserved && !can_map(buffer_bytes)) break;
    buffers.push_back(blas_memory_alloc(0));
  }
  const int got = static_cast<int>(buffers.size());
  for (void* buffer : buffers) blas_memory_free(buffer);
  CP_ENSURE_AS(out_of_memory, got == wanted, "out of memory: matrix products need ", buffer_bytes >> 20,
               " MiB of address space for each of ", wanted, " threads; raise `ulimit -v`, or use fewer threads");
  reserved = wanted;
}

}  // namespace counterpoise::detail
