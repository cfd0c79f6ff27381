// Whether this program contains kernels that the GPU can run.
#pragma once

#include <cuda_runtime_api.h>

namespace counterpoise::detail {

// cudaSuccess, or the reason why not, such as cudaErrorNoKernelImageForDevice.
cudaError_t probe_kernels();

}  // namespace counterpoise::detail
