#include "tests/kernels/cuda_emulator/emulator.h"

#include <setjmp.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

dim3 gridDim, blockDim;
uint3 blockIdx, threadIdx;

namespace counterpoise {

bool kernel_may_run();  // runtime.cpp

namespace {

constexpr size_t stack_bytes = size_t(128) << 10;

// A thread of a block: it runs on its own stack until it waits or ends, and then starts again with the next block.
struct Fiber {
  std::unique_ptr<char[]> stack{new char[stack_bytes]};
  jmp_buf here;  // where it goes on
  uint3 index{};
  bool started = false, done = true;
  void* fake_stack = nullptr;
};

std::vector<std::unique_ptr<Fiber>> fibers;
jmp_buf scheduler;
Fiber* running = nullptr;
const std::function<void()>* body = nullptr;
const void* scheduler_stack = nullptr;
size_t scheduler_bytes = 0;
void* scheduler_fake_stack = nullptr;

// (AddressSanitizer must be told when the stack changes.)
void leave([[maybe_unused]] void** fake, [[maybe_unused]] const void* stack, [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(fake, stack, bytes);
#endif
}
void arrive([[maybe_unused]] void* fake, [[maybe_unused]] const void** from, [[maybe_unused]] size_t* bytes) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(fake, from, bytes);
#endif
}

// Returns to resume(), the caller; returns here when that is called again. Jumps rather than swapcontext(), which would
// make a system call each time.
void give_turn() {
  Fiber* const me = running;
  leave(&me->fake_stack, scheduler_stack, scheduler_bytes);
  if (_setjmp(me->here) == 0) _longjmp(scheduler, 1);
  arrive(me->fake_stack, &scheduler_stack, &scheduler_bytes);
}

void run_fiber() {
  arrive(nullptr, &scheduler_stack, &scheduler_bytes);
  while (true) {
    (*body)();
    running->done = true;
    give_turn();
  }
}

void resume(Fiber& fiber) {
  running = &fiber;
  threadIdx = fiber.index;
  leave(&scheduler_fake_stack, fiber.stack.get(), stack_bytes);
  if (_setjmp(scheduler) == 0) {
    if (fiber.started) _longjmp(fiber.here, 1);
    fiber.started = true;
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fiber.stack.get();
    context.uc_stack.ss_size = stack_bytes;
    context.uc_link = nullptr;
    makecontext(&context, run_fiber, 0);
    setcontext(&context);
  }
  arrive(scheduler_fake_stack, nullptr, nullptr);
  running = nullptr;
}

// Runs all threads up to their next wait, until all are done.
void run_block(unsigned threads) {
  while (fibers.size() < threads) fibers.push_back(std::make_unique<Fiber>());
  for (unsigned i = 0; i < threads; ++i) fibers[i]->index = {i, 0, 0}, fibers[i]->done = false;
  for (unsigned done = 0; done < threads;) {
    const unsigned before = done;
    for (unsigned i = 0; i < threads; ++i) {
      if (!fibers[i]->done) resume(*fibers[i]), done += fibers[i]->done;
    }
    if (before != 0 || (done != 0 && done != threads)) {
      std::fprintf(stderr, "cuda emulator: some threads of a block wait for others that have left the kernel\n");
      std::abort();
    }
  }
}

}  // namespace

void emulate(bool waits, dim3 grid, dim3 block, const std::function<void()>& kernel) {
  if (!kernel_may_run()) return;
  gridDim = grid;
  blockDim = block;
  body = &kernel;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        if (waits) {
          run_block(block.x);
          continue;
        }
        for (unsigned thread = 0; thread < block.x; ++thread) {
          threadIdx = {thread, 0, 0};
          kernel();
        }
      }
    }
  }
}

}  // namespace counterpoise

void __syncthreads() {
  using namespace counterpoise;
  Fiber* const me = running;
  if (!me) {
    std::fprintf(stderr, "cuda emulator: __syncthreads() in a kernel that was started with Waits::no\n");
    std::abort();
  }
  give_turn();
  threadIdx = me->index;
}
