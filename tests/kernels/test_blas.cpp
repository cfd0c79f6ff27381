// How OpenBLAS is set up.
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "kernels/cpu/blas.h"
#include "tests/support.h"

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)  // which allows no new threads after fork()
extern "C" __attribute__((weak)) void gotoblas_dynamic_init();
extern "C" __attribute__((weak)) void gotoblas_dynamic_quit();

using namespace counterpoise;

static void start_with_kernels(const char* name) {
  setenv("OPENBLAS_CORETYPE", name, 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
}

// What goes wrong, in a process of its own, whose kernels nobody else uses: 0 for nothing.
static int choose_kernels() {
  start_with_kernels("Prescott");  // what it takes for a processor that it does not know
  unsetenv("OPENBLAS_CORETYPE");
  if (std::string(openblas_get_corename()) != "Prescott") return 1;
  detail::initialize_blas();
  const std::string chosen = openblas_get_corename();
  if (chosen != "SkylakeX" && chosen != "Haswell") return 2;
  if (std::getenv("OPENBLAS_CORETYPE")) return 3;  // other programs would inherit it
  const std::vector<float> a = {1, 2, 3, 4}, b = {5, 6, 7, 8};
  std::vector<float> c(4);
  detail::gemm(false, true, 2, 2, 2, a.data(), 2, b.data(), 2, 0.0f, c.data(), 2);
  if (c != std::vector<float>{17, 23, 39, 53}) return 4;
  start_with_kernels("Prescott");  // what a user wants
  detail::initialize_blas();
  return std::string(openblas_get_corename()) == "Prescott" ? 0 : 5;
}

TEST_CASE("blas: where OpenBLAS does not know the processor it is told what kernels to take") {
  const bool modern = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit || !modern) {
    MESSAGE("not tested: this OpenBLAS has no kernels to choose from, or this processor needs none");
    return;
  }
  CHECK(outcome_of([] { _exit(choose_kernels()); }) == 0);
}
#endif
