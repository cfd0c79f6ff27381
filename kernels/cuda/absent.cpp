// Replaces the cuda backend where the framework is built without CUDA.
#include "kernels/backend.h"

namespace counterpoise {

Backend* cuda_backend() { return nullptr; }

std::string cuda_absence() {
  return "this program was built without CUDA: install nvcc, cuBLAS and cuDNN and run make again";
}

bool cuda_is_broken() { return false; }

std::string cuda_version() { return ""; }

}  // namespace counterpoise
