#include "tests/kernels/cuda_emulator/emulator.h"

#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "tests/kernels/cuda_emulator/device.h"
#include "tests/kernels/cuda_emulator/races.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

dim3 gridDim, blockDim;
uint3 blockIdx, threadIdx;

namespace counterpoise {

namespace {

[[noreturn]] void fail(const char* reason) {
  std::fprintf(stderr, "cuda emulator: %s\n", reason);
  std::abort();
}

// -- shared memory: NaN when a block starts --

constexpr size_t shared_limit = size_t(48) << 10, arena_bytes = size_t(1) << 20;
constexpr size_t red_zone = 64;  // between arrays, for AddressSanitizer

struct SharedArray {
  const void* site;
  size_t begin, bytes;
};
alignas(64) char arena[arena_bytes];
std::vector<SharedArray> arrays;  // of the block that is running
size_t shared_bytes = 0, arena_end = 0;

void forbid([[maybe_unused]] const char* memory, [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(memory, bytes);
#endif
}
void permit([[maybe_unused]] const char* memory, [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(memory, bytes);
#endif
}

void release_shared_memory() {
  for (const SharedArray& array : arrays) forbid(arena + array.begin, array.bytes);
  arrays.clear();
  shared_bytes = arena_end = 0;
}

// -- the threads of a block --

constexpr size_t stack_bytes = size_t(128) << 10;

// A thread that runs on its own stack: one of a block, which runs until it waits or ends, and starts again with the
// next block; or the program's.
struct Fiber {
  void* here[5] = {};  // where it goes on; the third is the stack's end
  std::unique_ptr<char[]> memory;
  char* stack = nullptr;
  size_t bytes = 0;
  void* fake_stack = nullptr;
  bool started = true;
};

Fiber host;
std::vector<Fiber> fibers;
Fiber* left = nullptr;         // the fiber that ran before this one
bool in_block = false;         // fibers run
unsigned turn = 0, ended = 0;  // whose turn it is; how many have left the kernel
unsigned rounds = 0;           // how often all have had their turn
const std::function<void()>* body = nullptr;

// (The stacks begin at different offsets from a page, so that they do not compete for the same lines of the cache.)
Fiber new_fiber(size_t index) {
  Fiber fiber;
  const size_t offset = index % 256 * 192;
  fiber.memory.reset(new char[offset + stack_bytes]);
  fiber.stack = fiber.memory.get() + offset;
  fiber.bytes = stack_bytes;
  fiber.started = false;
  return fiber;
}

void run_fiber();

// (Not instrumented, because frames that are left by a jump would stay poisoned.)
[[noreturn, gnu::noinline, gnu::no_sanitize_address]] void jump_to(Fiber& fiber) {
  if (fiber.started) __builtin_longjmp(fiber.here, 1);
  fiber.started = true;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = fiber.stack;
  context.uc_stack.ss_size = fiber.bytes;
  context.uc_link = nullptr;
  makecontext(&context, run_fiber, 0);
  setcontext(&context);
  std::abort();
}

// (AddressSanitizer must be told when the stack changes. It tells where the program's own stack is.)
void arrive([[maybe_unused]] void* fake_stack) {
#ifdef __SANITIZE_ADDRESS__
  const void* stack = nullptr;
  size_t bytes = 0;
  __sanitizer_finish_switch_fiber(fake_stack, &stack, &bytes);
  if (left == &host) host.stack = const_cast<char*>(static_cast<const char*>(stack)), host.bytes = bytes;
#endif
}

// Returns when another fiber switches back. The compiler's own jumps save and restore two registers; swapcontext()
// would make a system call each time.
[[gnu::noinline, gnu::no_sanitize_address]] void switch_to(Fiber& from, Fiber& to) {
  left = &from;
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack, to.bytes);
#endif
  if (__builtin_setjmp(from.here) == 0) jump_to(to);
  arrive(from.fake_stack);
}

// The next thread's turn. After the last one it is the first one's again, or the program's if all have left the kernel.
void give_turn(bool is_barrier) {
  const unsigned threads = blockDim.x;
  Fiber& me = fibers[turn];
  if (++turn == threads) {
    ++rounds;
    if (is_barrier) pass_barrier();
    if (ended != 0 && ended != threads) fail("some threads of a block wait for others that have left the kernel");
    turn = 0;
    threadIdx.x = 0;
    if (ended != 0) return switch_to(me, host);
  }
  threadIdx.x = turn;
  use_stack(fibers[turn].stack, fibers[turn].bytes);
  if (turn + 1 < threads) {  // its stack will be needed soon
    const char* const stack = static_cast<char*>(fibers[turn + 1].here[2]);
    for (int line = 0; line < 3; ++line) __builtin_prefetch(stack + 64 * line);
  }
  if (&fibers[turn] != &me) switch_to(me, fibers[turn]);
}

void run_fiber() {
  arrive(nullptr);
  while (true) {
    (*body)();
    ++ended;
    give_turn(false);
  }
}

void run_block(unsigned threads) {
  fibers.reserve(1024);  // as many threads as a block can have: one that waits refers to itself, and must not be moved
  while (fibers.size() < threads) fibers.push_back(new_fiber(fibers.size()));
  turn = ended = 0;
  threadIdx = {0, 0, 0};
  in_block = true;
  use_stack(fibers[0].stack, fibers[0].bytes);
  switch_to(host, fibers[0]);
  in_block = false;
}

void run_grid(bool waits, dim3 grid, dim3 block, const std::function<void()>& kernel) {
  gridDim = grid;
  blockDim = block;
  body = &kernel;
  begin_grid(arena, arena_bytes);
  constexpr size_t most_stack = size_t(8) << 20;
  const char* const frame = static_cast<const char*>(__builtin_frame_address(0));
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        begin_block();
        if (waits) {
          run_block(block.x);
        } else {
          use_stack(frame - most_stack, most_stack);
          for (unsigned thread = 0; thread < block.x; ++thread) {
            threadIdx = {thread, 0, 0};
            kernel();
          }
        }
        end_block();
        const bool too_much = shared_bytes > shared_limit;
        release_shared_memory();
        if (too_much) {
          gpu().late = cudaErrorLaunchOutOfResources;
          return;
        }
      }
    }
  }
}

}  // namespace

void* shared_memory(const void* site, size_t bytes, size_t alignment) {
  for (const SharedArray& array : arrays) {
    if (array.site == site) return arena + array.begin;
  }
  static const bool all_forbidden = (forbid(arena, arena_bytes), true);
  (void)all_forbidden;
  const auto rounded_up = [&](size_t n) { return (n + alignment - 1) / alignment * alignment; };
  const size_t begin = rounded_up(arena_end);
  if (begin + bytes + red_zone > arena_bytes) fail("a block has more than a megabyte of shared memory");
  shared_bytes = rounded_up(shared_bytes) + bytes;
  arena_end = begin + bytes + red_zone;
  arrays.push_back({site, begin, bytes});
  permit(arena + begin, bytes);
  std::memset(arena + begin, 0xff, bytes);
  return arena + begin;
}

const void* show_to_block(const void* mine, size_t bytes) {
  if (!in_block) fail("a kernel that was started with Waits::no uses tensor cores");
  // (In turns, so that what the threads were shown before is there until all of them come here again.)
  static char shown[2][size_t(32) << 10];
  char* const all = shown[rounds % 2];
  if (bytes * blockDim.x > sizeof shown[0]) fail("the threads of a block show each other too much");
  std::memcpy(all + threadIdx.x * bytes, mine, bytes);
  give_turn(false);
  return all;
}

cudaError_t kernel_work(bool waits, dim3 grid, dim3 block, size_t argument_bytes, std::function<void()> kernel,
                        EmulatedQueue::Work& work) {
  constexpr unsigned most_x = 2147483647, most_yz = 65535, most_threads = 1024;
  const auto valid = [](unsigned extent, unsigned most) { return 0 < extent && extent <= most; };
  if (!valid(grid.x, most_x) || !valid(grid.y, most_yz) || !valid(grid.z, most_yz) || !valid(block.x, most_threads) ||
      block.y != 1 || block.z != 1) {
    return gpu().report(cudaErrorInvalidConfiguration);
  }
  if (argument_bytes > 4096) return gpu().report(cudaErrorInvalidValue);
  if (++gpu().loads == gpu().no_code) return gpu().report(cudaErrorMemoryAllocation);
  work = [waits, grid, block, kernel = std::move(kernel)] {
    EmulatedGpu& g = gpu();
    if (++g.kernels == g.fail_after) g.fault = cudaErrorIllegalAddress;
    else run_grid(waits, grid, block, kernel);
  };
  return cudaSuccess;
}

}  // namespace counterpoise

void __syncthreads() {
  using namespace counterpoise;
  if (!in_block) fail("__syncthreads() in a kernel that was started with Waits::no");
  give_turn(true);
}
