// The pool of threads and the caching allocator of the cpu backend.
#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "kernels/cpu/blas.h"
#include "kernels/cpu/caching_allocator.h"
#include "kernels/cpu/parallel.h"

using namespace counterpoise;
using namespace counterpoise::detail;

TEST_CASE("parallel_for covers every element once, for all sizes, grains and numbers of threads") {
  for (const int threads : {1, 2, 3, 8}) {
    set_cpu_threads(threads);
    CHECK(cpu_threads() == threads);
    for (const Index n : {0, 1, 2, 7, 64, 1000}) {
      for (const Index grain : {1, 3, 100}) {
        std::vector<std::atomic<int>> visits(n);
        std::atomic<bool> bad_slot{false};
        parallel_for(n, grain, [&](Index begin, Index end) {
          if (thread_slot() < 0 || thread_slot() >= threads) bad_slot = true;
          for (Index i = begin; i < end; ++i) ++visits[i];
        });
        bool once = true;
        for (const auto& v : visits) once = once && v == 1;
        CHECK_MESSAGE(once, "n=", n, " grain=", grain, " threads=", threads);
        CHECK(!bad_slot);
      }
    }
  }
  set_cpu_threads(0);
}

TEST_CASE("parallel_for can follow itself closely, be nested, and be called from several threads") {
  set_cpu_threads(4);
  std::atomic<int64_t> sum{0};
  for (int round = 0; round < 20000; ++round) {
    parallel_for(8, 1, [&](Index begin, Index end) { sum += end - begin; });
  }
  CHECK(sum == 160000);

  sum = 0;
  parallel_for(8, 1, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) parallel_for(10, 1, [&](Index b, Index e) { sum += e - b; });
  });
  CHECK(sum == 80);

  sum = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        parallel_for(16, 1, [&](Index begin, Index end) { sum += end - begin; });
      }
    });
  }
  for (std::thread& t : callers) t.join();
  CHECK(sum == 4 * 500 * 16);
  set_cpu_threads(0);
}

TEST_CASE("OpenBLAS gives the same product from many threads at once") {
  constexpr Index n = 64;
  std::vector<float> a(n * n), b(n * n), expected(n * n);
  for (Index i = 0; i < n * n; ++i) a[i] = float(i % 13) - 6, b[i] = float(i % 7) - 3;
  gemm(false, true, n, n, n, a.data(), n, b.data(), n, 0.f, expected.data(), n);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 8; ++t) {
    callers.emplace_back([&] {
      std::vector<float> c(n * n);
      for (int round = 0; round < 200; ++round) {
        gemm(false, true, n, n, n, a.data(), n, b.data(), n, 0.f, c.data(), n);
        wrong += std::memcmp(c.data(), expected.data(), n * n * sizeof(float)) != 0;
      }
    });
  }
  for (std::thread& t : callers) t.join();
  CHECK(wrong == 0);
}

TEST_CASE("the caching allocator aligns, reuses, and gives different memory to different owners") {
  CachingAllocator memory;
  void* a = memory.allocate(1000);
  void* b = memory.allocate(1000);
  CHECK(a != b);
  CHECK(reinterpret_cast<uintptr_t>(a) % 64 == 0);
  std::memset(a, 1, 1000);
  std::memset(b, 2, 1000);
  CHECK(*static_cast<char*>(a) == 1);
  memory.release(a);
#ifndef __SANITIZE_ADDRESS__
  CHECK(memory.allocate(990) == a);
  memory.release(a);
  void* big = memory.allocate(size_t(5) << 20);
  memory.release(big);
  CHECK(memory.allocate(size_t(1) << 20) != big);      // would waste four fifths of it
  CHECK(memory.allocate(size_t(1) << 60) == nullptr);  // more than any machine has
#endif
  memory.release(b);
  memory.release(nullptr);
  void* nothing = memory.allocate(0);
  CHECK(nothing != nullptr);
  memory.release(nothing);
}
