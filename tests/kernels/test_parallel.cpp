// The thread pool and the caching allocator of the cpu backend.
#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <tuple>
#include <vector>

#include "kernels/cpu/blas.h"
#include "kernels/cpu/caching_allocator.h"
#include "kernels/cpu/parallel.h"
#include "tests/support.h"

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

TEST_CASE("parallel: the number of threads can be read while another thread reads it first or sets it") {
  set_cpu_threads(2);
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&] {
      for (int round = 0; round < 1000; ++round) {
        const int n = cpu_threads();
        wrong += n != 2 && n != 3;
      }
    });
  }
  for (int round = 0; round < 200; ++round) set_cpu_threads(2 + round % 2);
  for (std::thread& t : readers) t.join();
  CHECK(wrong == 0);
  set_cpu_threads(0);
  CHECK(cpu_threads() >= 1);
}

#ifndef __SANITIZE_THREAD__  // which allows no new threads after fork()
TEST_CASE("parallel: a child of fork() computes with threads of its own") {
  set_cpu_threads(4);
  const auto covered = [] {
    std::atomic<int64_t> sum{0};
    for (int round = 0; round < 100; ++round) {
      parallel_for(64, 1, [&](Index begin, Index end) { sum += end - begin; });
    }
    return sum == 100 * 64;
  };
  REQUIRE(covered());
  CHECK(outcome_of([&] {
          bool right = covered();
          set_cpu_threads(3);  // ends the threads that there are, as the end of a program does
          right = right && covered();
          set_cpu_threads(1);
          _exit(right ? 0 : 1);
        }) == 0);
  CHECK(covered());
  set_cpu_threads(0);
}
#endif

TEST_CASE("parallel: a control group's CPU quota is read as cores, rounded up") {
  using Files = std::map<std::string, std::string>;
  const std::string groups = "/proc/self/cgroup", at = "/sys/fs/cgroup";
  const std::tuple<const char*, Files, int> cases[] = {
      {"no files", {}, 0},
      {"version 2 without a quota", {{groups, "0::/\n"}, {at + "/cpu.max", "max 100000\n"}}, 0},
      {"version 2", {{groups, "0::/\n"}, {at + "/cpu.max", "200000 100000\n"}}, 2},
      {"a part of a core counts as one", {{groups, "0::/a\n"}, {at + "/a/cpu.max", "1000 100000\n"}}, 1},
      {"two and a half", {{groups, "0::/a/b\n"}, {at + "/a/b/cpu.max", "250000 100000\n"}}, 3},
      {"the smaller of a group and one around it",
       {{groups, "0::/a/b/c\n"},
        {at + "/a/b/c/cpu.max", "800000 100000\n"},
        {at + "/a/b/cpu.max", "max 100000\n"},
        {at + "/a/cpu.max", "150000 50000\n"},
        {at + "/cpu.max", "900000 100000\n"},
        {at + "/other/cpu.max", "100000 100000\n"}},
       3},
      {"version 1 without a quota",
       {{groups, "4:memory:/x\n1:cpu:/x\n0::/\n"},
        {at + "/cpu/x/cpu.cfs_quota_us", "-1\n"},
        {at + "/cpu/x/cpu.cfs_period_us", "100000\n"}},
       0},
      {"version 1, with another controller, whose folder is the container's root",
       {{groups, "12:pids:/docker/x\n3:cpu,cpuacct:/docker/x\n"},
        {at + "/cpu,cpuacct/cpu.cfs_quota_us", "350000\n"},
        {at + "/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
        {at + "/pids/docker/x/cpu.cfs_quota_us", "100000\n"},
        {at + "/pids/docker/x/cpu.cfs_period_us", "100000\n"}},
       4},
      {"both versions",
       {{groups, "1:cpu:/\n0::/s\n"},
        {at + "/cpu/cpu.cfs_quota_us", "600000\n"},
        {at + "/cpu/cpu.cfs_period_us", "100000\n"},
        {at + "/unified/s/cpu.max", "500000 100000\n"}},
       5},
      {"cpuset and cpuacct are not cpu",
       {{groups, "2:cpuset:/\n3:cpuacct:/\n"},
        {at + "/cpu/cpu.cfs_quota_us", "100000\n"},
        {at + "/cpu/cpu.cfs_period_us", "100000\n"}},
       0},
      {"nonsense", {{groups, "0\n:\n::\nx::y\n"}, {at + "/cpu.max", "many cores\n"}, {at + "y/cpu.max", "-5 0\n"}}, 0},
  };
  for (const auto& [what, files, expected] : cases) {
    CAPTURE(what);
    const TemporaryFolder root;
    for (const auto& [path, text] : files) {
      const std::filesystem::path file = root.path() + path;
      std::filesystem::create_directories(file.parent_path());
      std::ofstream(file) << text;
    }
    CHECK(cgroup_cores(root.path()) == expected);
  }
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
#ifndef __SANITIZE_THREAD__                            // which ends the program instead
  CHECK(memory.allocate(size_t(1) << 60) == nullptr);  // more than any machine has
#endif
#endif
  memory.release(b);
  memory.release(nullptr);
  void* nothing = memory.allocate(0);
  CHECK(nothing != nullptr);
  memory.release(nothing);
}

#ifndef __SANITIZE_ADDRESS__
TEST_CASE("the caching allocator keeps the blocks of steps of two sizes, and not those of ever other sizes") {
  CachingAllocator memory;
  const auto step = [&](size_t bytes) {  // blocks of a step: two at once, of four different sizes
    std::vector<void*> blocks;
    for (const size_t size : {bytes, bytes / 2, bytes / 4, bytes / 8}) {
      blocks.push_back(memory.allocate(size));
      if (blocks.size() > 1) memory.release(blocks[blocks.size() - 2]);
    }
    memory.release(blocks.back());
    return blocks;
  };
  constexpr size_t large = size_t(8) << 20;
  const auto first = step(large), second = step(large / 3);
  CHECK(memory.held() > 2 * large);
  for (int round = 0; round < 3; ++round) {
    CHECK(step(large) == first);
    CHECK(step(large / 3) == second);
  }
  for (size_t bytes = large; bytes > large / 16; bytes -= bytes / 6) {
    step(bytes);
    CHECK(memory.held() <= 3 * (large + large / 2));
  }
  memory.trim();
  CHECK(memory.held() == 0);
}
#endif
