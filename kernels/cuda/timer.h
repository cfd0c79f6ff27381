// How long the GPU takes for what is enqueued.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda/check.h"

namespace counterpoise::detail {

// The time between two places in a stream: from when what was enqueued before start() is done until what was enqueued
// before stop() is done. Each function throws Error(device).
class GpuTimer {
 public:
  GpuTimer() {
    CP_CUDA_CHECK(cudaEventCreate(&start_));
    CP_CUDA_CHECK(cudaEventCreate(&stop_));
  }
  ~GpuTimer() { cudaEventDestroy(start_), cudaEventDestroy(stop_); }
  GpuTimer(const GpuTimer&) = delete;
  GpuTimer& operator=(const GpuTimer&) = delete;

  void start(cudaStream_t stream) { CP_CUDA_CHECK(cudaEventRecord(start_, stream)); }
  void stop(cudaStream_t stream) { CP_CUDA_CHECK(cudaEventRecord(stop_, stream)); }
  // Waits until the GPU has passed stop().
  float milliseconds() const {
    CP_CUDA_CHECK(cudaEventSynchronize(stop_));
    float duration = 0;
    CP_CUDA_CHECK(cudaEventElapsedTime(&duration, start_, stop_));
    return duration;
  }

 private:
  cudaEvent_t start_ = nullptr, stop_ = nullptr;
};

// Calls enqueue(), waits, and returns how long the GPU took. Throws Error(device), and what enqueue() throws.
template <class Enqueue>
float gpu_milliseconds(cudaStream_t stream, const Enqueue& enqueue) {
  GpuTimer timer;
  timer.start(stream);
  enqueue();
  timer.stop(stream);
  return timer.milliseconds();
}

}  // namespace counterpoise::detail
