#include "kernels/cpu/blas.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

// OpenBLAS's own functions, exported since GotoBLAS though in no header; null in a build that hides them.
extern "C" __attribute__((weak)) void* blas_memory_alloc(int);
extern "C" __attribute__((weak)) void blas_memory_free(void*);
extern "C" __attribute__((weak)) void gotoblas_dynamic_init();
extern "C" __attribute__((weak)) void gotoblas_dynamic_quit();

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

#ifdef __x86_64__
// The kernels that OpenBLAS takes where it does not know the processor are of 2004 or 2007. Before version 0.3.25 it
// does not know most that are younger than itself, nor some that are not. Then it is told what to take, by its variable
// of the environment, and chooses again.
void choose_kernels_for_this_processor() {
  const std::string chosen = openblas_get_corename();
  if (chosen != "Prescott" && chosen != "Barcelona") return;
  if (std::getenv("OPENBLAS_CORETYPE") || !gotoblas_dynamic_init || !gotoblas_dynamic_quit) return;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  setenv("OPENBLAS_CORETYPE", has_avx512 ? "SkylakeX" : "Haswell", 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");
}
#else
void choose_kernels_for_this_processor() {}
#endif

}  // namespace

void initialize_blas() {
  openblas_set_num_threads(1);
  choose_kernels_for_this_processor();
}

void prepare_gemms(std::initializer_list<Index> extents) {
  for (const Index extent : extents) blas_int(extent);
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
