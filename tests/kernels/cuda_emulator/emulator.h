// A GPU for machines that have none: the cuda backend's kernels, compiled with g++ and run thread by thread, so that
// they are tested on every machine. `make test CUDA=emulated` uses this in place of a GPU.
//
//   device.cpp      the GPU's state, and the queue of enqueued work
//   emulator.cpp    a grid: one block after the other, the threads of a block taking turns at __syncthreads()
//   runtime.cpp     CUDA's memory, streams, events and errors, as far as the backend uses them
//   graphs.cpp      kernels that are known by their addresses, and CUDA's graphs
//   libraries.cpp   cuBLAS's product, as loops; cuDNN's convolutions, by the cpu backend
//   races.cpp       threads that access the same memory in no order (`make races`)
//
// It is as unforgiving as CUDA allows. Enqueued work runs as late as possible: when the host waits for it, or when the
// queue is long. So a pinned buffer that is overwritten before it was copied arrives overwritten, and an error surfaces
// at a later call. A launch outside of CUDA's limits is refused. New memory, and a block's shared memory, is NaN.
// A write outside of an allocation ends the program.
//
// What this proves: the kernels' arithmetic and indices with the real block size (under AddressSanitizer their bounds,
// too), the order of calls and the waits between them, limits of launches, the choice among plans, every error's
// message; `make races` also that all accesses to the same memory are ordered, in a block, a grid and a graph. What it
// cannot: how a GPU keeps that order, what happens when two streams run at once (all streams are one queue here), that
// cuBLAS and cuDNN accept our calls, and how fast all this is. Those need a GPU.
//
// The environment variable CUDA_EMULATOR describes the GPU, in words separated by commas: gpus=0, driver=0, no-image,
// memory=MIB, fail-after=N (the N-th kernel, and all that follows, is an illegal access), no-code=N (for the N-th
// kernel there is no memory to load its code), capability=75, eager (work runs when it is enqueued, the other extreme
// that CUDA allows), real-time (events measure the host's clock; without it, durations are made up such that later ones
// are often shorter), no-plans (cuDNN refuses every convolution), wrong-plan=K (plan K of every convolution gives wrong
// numbers; 0 is the first), no-plan-memory (cuDNN has no memory to make a plan; =2: one that is requested by its name),
// no-capture (what a library enqueues cannot be captured for a graph).
#pragma once

#include <cuda_runtime_api.h>

#include <cmath>
#include <functional>
#include <vector>

// Arrays in a block's shared memory are declared by CP_SHARED (kernels/cuda/launch.h), because this memory is NaN when
// a block starts, which a static variable cannot be.
#undef __shared__
#define __shared__ use_CP_SHARED_instead
#define CP_SHARED(T, name, n)    \
  static char cp_site_of_##name; \
  T* const name = static_cast<T*>(::counterpoise::shared_memory(&cp_site_of_##name, sizeof(T) * (n), alignof(T)))

extern dim3 gridDim, blockDim;
extern uint3 blockIdx, threadIdx;

// Every thread of the block waits until all have called this. Ends the program if one of them has left the kernel.
void __syncthreads();
// Blocks run one after the other here, and the threads of one in turns.
void __threadfence();
unsigned atomicAdd(unsigned* sum, unsigned value);

namespace counterpoise {

// Calls the kernel at this address for one thread.
using KernelCall = void (*)(const void* kernel, void* const* arguments);

// Tells what CUDA's compiler knows of a kernel: the sizes of its arguments, how it is called, and whether its threads
// call __syncthreads(), so that each needs its own stack. cudaLaunchKernel() then runs it for every thread of a grid;
// blocks have one dimension.
void describe_kernel(const void* kernel, bool waits, std::vector<size_t> sizes, KernelCall call);

// The array that a CP_SHARED declares: the same for all threads of a block.
void* shared_memory(const void* site, size_t bytes, size_t alignment);

// What each thread of the block has shown, in their order, when all have. It stays until a thread has twice come here
// again. (For the threads of a warp, which exchange registers. It orders no accesses to memory.)
const void* show_to_block(const void* mine, size_t bytes);

// Enqueues work of a library. A broken GPU forgets it.
void enqueue(std::function<void()> work);

// How many times the host had to wait for work that was enqueued: for a stream, for an event, or for a copy into memory
// that is not pinned.
long emulated_waits();
// How often a graph was launched, how often one of its nodes was given other arguments, and how often work was enqueued
// by itself: a graph, a kernel, a copy, a call of a library.
long emulated_graphs();
long emulated_graph_updates();
long emulated_launches();

// The number after a word in CUDA_EMULATOR: "memory=64" gives 64. A word alone gives 1, a missing one `otherwise`.
long emulator_setting(const char* word, long otherwise);

}  // namespace counterpoise
