// A GPU for machines that have none: the cuda backend's kernels, compiled with g++ and run thread by thread, so that
// they are tested on every machine. `make test CUDA=emulated` uses this in place of a GPU.
//
//   emulator.cpp    a grid: one block after the other, the threads of a block taking turns at __syncthreads()
//   runtime.cpp     memory, streams and errors, as far as the backend uses them
//   libraries.cpp   cuBLAS's product, as loops; cuDNN's convolutions, by the cpu backend
//
// What this proves: the kernels' arithmetic and indices (under AddressSanitizer their bounds, too), the order of calls,
// the choice among plans, every error's message. What it cannot: how a GPU's memory orders the accesses of concurrent
// threads, that cuBLAS and cuDNN accept our calls, and how fast all this is. Those need a GPU.
//
// The environment variable CUDA_EMULATOR describes the GPU, in words separated by commas: gpus=0, driver=0, no-image,
// memory=MIB, fail-after=N (the N-th kernel, and all that follows, is an illegal access), capability=75, no-plans (cuDNN refuses every
// convolution), wrong-plan=K (plan K of every convolution gives wrong numbers; 0 is the first).
#pragma once

#include <cuda_runtime_api.h>

#include <cmath>
#include <functional>

// A block's own memory: blocks run one after the other, so one copy is enough.
#undef __shared__
#define __shared__ static

extern dim3 gridDim, blockDim;
extern uint3 blockIdx, threadIdx;

// Every thread of the block waits until all have called this. Ends the program if one of them has left the kernel.
void __syncthreads();

namespace counterpoise {

// Runs a kernel for every thread of a grid. `waits`: its threads call __syncthreads(), so each needs its own
// stack.
void emulate(bool waits, dim3 grid, dim3 block, const std::function<void()>& kernel);

}  // namespace counterpoise
