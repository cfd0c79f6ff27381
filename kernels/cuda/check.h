// Turns an error of CUDA or its libraries into an Error: one line with the expression, the place, the cause and what
// to do. Any thread may use it.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/error.h"

namespace counterpoise::detail {

// Of the kind `device`, or `out_of_memory` (a kernel's code and a library's workspace need memory beside the tensors').
// Work on a GPU is asynchronous, so the call that reports an error may not be the one that caused it;
// CUDA_LAUNCH_BLOCKING=1 makes each call wait, but not for the kernels of a graph.
struct CudaError : Error {
  std::string cause;
  CudaError(ErrorKind kind, const std::string& cause, const char* expression, const char* file, int line)
      : Error(kind, "cuda: ", cause, " in ", expression, " (", file, ":", line, ")",
              kind == ErrorKind::out_of_memory
                  ? ""
                  : "; work on the GPU is lost. Run again, with CUDA_LAUNCH_BLOCKING=1 and without CUDA graphs to find "
                    "the kernel, or on another device"),
        cause(cause) {}
};

[[noreturn]] inline void throw_cuda_error(cudaError_t status, const char* expression, const char* file, int line) {
  throw CudaError(status == cudaErrorMemoryAllocation ? ErrorKind::out_of_memory : ErrorKind::device,
                  cudaGetErrorString(status), expression, file, line);
}

}  // namespace counterpoise::detail

#define CP_CUDA_CHECK(expression)                                                             \
  do {                                                                                        \
    const cudaError_t cuda_status = (expression);                                             \
    if (cuda_status != cudaSuccess) {                                                         \
      ::counterpoise::detail::throw_cuda_error(cuda_status, #expression, __FILE__, __LINE__); \
    }                                                                                         \
  } while (false)
