// How long the GPU takes for what is enqueued.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda/check.h"

namespace counterpoise::detail {

// Calls enqueue(), waits, and returns the milliseconds between what was enqueued before it and what is enqueued after
// it. Throws Error(device), and what enqueue() throws.
template <class Enqueue>
float gpu_milliseconds(cudaStream_t stream, const Enqueue& enqueue) {
  struct Events {
    cudaEvent_t start = nullptr, stop = nullptr;
    Events() {
      CP_CUDA_CHECK(cudaEventCreate(&start));
      CP_CUDA_CHECK(cudaEventCreate(&stop));
    }
    ~Events() { cudaEventDestroy(start), cudaEventDestroy(stop); }
  };
  const Events events;
  CP_CUDA_CHECK(cudaEventRecord(events.start, stream));
  enqueue();
  CP_CUDA_CHECK(cudaEventRecord(events.stop, stream));
  CP_CUDA_CHECK(cudaEventSynchronize(events.stop));
  float duration = 0;
  CP_CUDA_CHECK(cudaEventElapsedTime(&duration, events.start, events.stop));
  return duration;
}

}  // namespace counterpoise::detail
