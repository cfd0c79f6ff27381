// Calls of libraries in repeated steps that are CUDA graphs.
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

#include "kernels/cuda/cuda_step_graph.h"
#include "tests/environment.h"
#include "tests/gpu.h"
#include "tests/kernels/cuda_emulator/device.h"

using namespace counterpoise;

namespace {
// A queue of which each step calls a library: `name` is what chooses the library's kernels, and there are `kernels`.
struct Calls {
  detail::Queue queue;
  int sum = 0;
  Calls() { queue.open("the emulated GPU"); }
  void run(StepGraph& graph, int name, int kernels) {
    graph.run([&] {
      queue.call(name, kernels, [kernels, this](cudaStream_t) {
        for (int i = 0; i < kernels; ++i) enqueue([this] { ++sum; });
      });
    });
    REQUIRE(cudaStreamSynchronize(queue.stream()) == cudaSuccess);
  }
};
}  // namespace

TEST_CASE("gpu: a step of which CUDA refuses what has changed gets a new graph at once, but not every time" *
          needs_emulated_gpu()) {
  Calls calls;
  detail::CudaStepGraph once(calls.queue), always(calls.queue);
  for (int k = 0; k < 10; ++k) calls.run(once, 1, k < 5 ? 3 : 4);
  CHECK(calls.sum == 5 * 3 + 5 * 4);
  CHECK(once.summary() == "8 of 10 steps as a CUDA graph, of 1 operations, 0.0 of them changed each time");
  calls.sum = 0;
  for (int k = 0; k < 100; ++k) calls.run(always, 1, k);
  CHECK(calls.sum == 99 * 100 / 2);
  CHECK(always.summary() ==
        "3 of 100 steps as a CUDA graph; then no more: invalid argument, when a call of a library changed");
}

TEST_CASE("gpu: a step whose library call has other kernels is another step, also if they are as many" *
          needs_emulated_gpu()) {
  Calls calls;
  detail::CudaStepGraph graph(calls.queue);
  const long before = emulated_graph_updates();
  for (int k = 0; k < 20; ++k) calls.run(graph, k < 8 ? 1 : 2, 3);
  CHECK(calls.sum == 20 * 3);
  CHECK(emulated_graph_updates() == before);
  CHECK(graph.summary().find("13 of 20 steps as a CUDA graph, of ") == 0);
}

TEST_CASE("gpu: a step of which a library's work cannot be captured is started as it comes, and says why" *
          needs_emulated_gpu()) {
  const Environment environment("CUDA_EMULATOR", "no-capture");
  Calls calls;
  detail::CudaStepGraph graph(calls.queue);
  for (int k = 0; k < 6; ++k) calls.run(graph, 1, 3);
  CHECK(calls.sum == 6 * 3);
  CAPTURE(graph.summary());
  CHECK(graph.summary().find(
            "0 of 6 steps as a CUDA graph; then no more: operation failed due to a previous error during capture") ==
        0);
}

TEST_CASE("gpu: a step that is faster in a row needs no memory for branches" * needs_emulated_gpu()) {
  const Environment environment("CUDA_EMULATOR", "real-time");
  detail::Queue queue;
  queue.open("the emulated GPU");
  constexpr size_t mebibyte = size_t(1) << 20;
  const auto memory = [&] {
    queue.reset_memory_peaks();
    return queue.memory_peaks().allocated;
  };
  const size_t before = memory();
  for (const bool branches_are_fast : {false, true}) {
    CAPTURE(branches_are_fast);
    detail::CudaStepGraph graph(queue);
    bool slow = false;
    int runs = 0;
    // The block of what is aside is released while there are branches: what comes beside it must lie elsewhere.
    const auto work = [&](int name) {
      void* const memory = queue.allocate(mebibyte);
      queue.call(name, name, [&](cudaStream_t) {
        enqueue([&] {
          if (slow) std::this_thread::sleep_for(std::chrono::milliseconds(3));
          ++runs;
        });
      });
      queue.release(memory);
    };
    constexpr int steps = 24, first = 2;  // the first step that is a graph: then four in branches, eight in a row, four
    for (int step = 0; step < steps; ++step) {
      const bool in_branches = step < first + 4 || step >= first + 12;
      slow = in_branches != branches_are_fast;
      graph.run([&] {
        queue.begin_aside();
        work(1);
        queue.end_aside();
        work(2);
        queue.rejoin();
      });
      REQUIRE(cudaStreamSynchronize(queue.stream()) == cudaSuccess);
      if (step == first + 12) CHECK(memory() == before + 2 * mebibyte);
    }
    CHECK(runs == 2 * steps);
    CAPTURE(graph.summary());
    CHECK(std::stoi(graph.summary()) == steps - first);
    CHECK(graph.summary().find(branches_are_fast ? "weights beside" : "weights after") != std::string::npos);
    CHECK(memory() == before + (branches_are_fast ? 2 : 1) * mebibyte);
  }
}

TEST_CASE("gpu: a graph is started in branches and in a row, and stays as it was faster") {
  // A GPU that takes 5 ms, and so many more in branches; each start takes longer than the one before, and one start far
  // longer.
  for (const float more : {-0.5f, 0.5f}) {
    CAPTURE(more);
    detail::BranchesTrial trial;
    std::string kinds;
    for (int start = 0; start < 16; ++start) {
      REQUIRE_FALSE(trial.is_over());
      const bool in_branches = trial.in_branches();
      kinds += in_branches ? 'b' : 'r';
      const float ms = start == 9 ? 99 : 5 + 0.2f * static_cast<float>(start) + (in_branches ? more : 0);
      const bool wants_other = trial.add(ms);
      CHECK(wants_other == (trial.in_branches() != in_branches));
    }
    CHECK(kinds == "bbbbrrrrrrrrbbbb");
    CHECK(trial.is_over());
    CHECK(trial.in_branches() == (more < 0));
    CHECK(trial.in_branches_ms() == doctest::Approx(6.5 + more));
    CHECK(trial.in_a_row_ms() == doctest::Approx(6.5).epsilon(0.05));
  }
}
