// Programs whose memory is limited end soon, with one line that says why.
#include "kernels/backend.h"
#include "tests/apps/small_data.h"
#include "tests/program.h"
#include "tests/support.h"

using namespace counterpoise;

// Sanitizers reserve terabytes of address space, which `ulimit -v` counts.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static std::string small_run(const TemporaryFolder& folder) {
  return program("catdog") +
         " --device cpu --width 0.02 --model vgg11 --image-size 32 -b 4 --epochs 1 --max-steps 2 --threads 2"
         " --count cat=8,dog=20 --output " +
         (folder / "run");
}

TEST_CASE("catdog ends where memory is limited, at any point, with one line" * slow()) {
  const TemporaryFolder folder;
  const std::string run = small_run(folder);
  int failed = 0, ended = 0, in_one_line = 0;
  for (int kilobytes = 60000; kilobytes <= 480000; kilobytes += 30000) {
    CAPTURE(kilobytes);
    const Result r = shell("ulimit -v " + std::to_string(kilobytes) + "; timeout -s KILL 10 " + run);
    CAPTURE(r.err);
    // Too little even for loading the program, or for the threads that OpenBLAS starts before any code of ours.
    if (r.code == 127 || r.err.rfind("OpenBLAS blas_thread_init", 0) == 0) continue;
    ++ended;
    failed += r.code != 0;
    CHECK(r.code != 137);  // it hung
    in_one_line += r.code == 0 || ((r.code == 1 || r.code == 4) && last_line(r.err).rfind("catdog: ", 0) == 0);
  }
  CHECK(failed > 0);
  CHECK(in_one_line >= ended - 1);  // a library may crash in a place that we do not see
}

TEST_CASE("check uses as many threads as there may be") {
  const DataSet data;
  // The stacks of two threads fit into this memory, beside large libraries, and that of a third does not. (Those of
  // OpenBLAS, which starts one for each core, would not either, and it ends the program.)
  const Result r = must_succeed(shell("ulimit -s 4000000; ulimit -v 12000000; OPENBLAS_NUM_THREADS=1 " +
                                      program("counterpoise") + " check --workers 5 " + data.folder.path()));
  CHECK(contains(r.out, "20 images"));
}

TEST_CASE("catdog ends with one line whichever allocation fails" * slow()) {
  const TemporaryFolder folder;
  // malloc() fails from the n-th call on.
  write_file(folder / "fail.cpp", R"(
    #include <cerrno>
    #include <cstdlib>
    extern "C" void* __libc_malloc(size_t);
    static long left = -1;
    __attribute__((constructor)) static void start() { if (const char* n = getenv("FAIL_AT")) left = atol(n); }
    extern "C" void* malloc(size_t bytes) {
      if (__atomic_load_n(&left, __ATOMIC_SEQ_CST) < 0 || __atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST) >= 0)
        return __libc_malloc(bytes);
      __atomic_store_n(&left, 0, __ATOMIC_SEQ_CST);
      errno = ENOMEM;
      return nullptr;
    }
  )");
  if (shell("g++ -shared -fPIC -O1 " + (folder / "fail.cpp") + " -o " + (folder / "fail.so")).code != 0) return;
  const std::string run = small_run(folder);
  int failed = 0, runs = 0, in_one_line = 0;
  for (const int at : {1, 30, 300, 1000, 2000, 4000, 6000, 10000, 16000, 24000, 40000}) {
    // CUDA's own library, which starts before main(), crashes.
    if (at < 2000 && !cuda_version().empty()) continue;
    CAPTURE(at);
    const Result r = shell("FAIL_AT=" + std::to_string(at) + " LD_PRELOAD=" + (folder / "fail.so") + " " + run);
    CAPTURE(r.err);
    ++runs;
    failed += r.code != 0;
    in_one_line += r.code == 0 || (r.code == 4 && last_line(r.err).rfind("catdog: out of memory", 0) == 0);
  }
  CHECK(failed > 3);
  CHECK(in_one_line >= runs - 1);  // a library may crash in a place that we do not see
}
#endif
