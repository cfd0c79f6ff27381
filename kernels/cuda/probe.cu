#include "kernels/cuda/probe.h"

#include <cuda_runtime.h>

namespace counterpoise::detail {

static __global__ void probe_kernel() {}

cudaError_t probe_kernels() {
  cudaFuncAttributes attributes;
  const cudaError_t status = cudaFuncGetAttributes(&attributes, reinterpret_cast<const void*>(probe_kernel));
  cudaGetLastError();
  return status;
}

}  // namespace counterpoise::detail
