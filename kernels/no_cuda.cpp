// Stands in for the CUDA backend where the framework is built without it.
#include "kernels/backend.h"

namespace counterpoise {

Backend* cuda_backend() { return nullptr; }

std::string cuda_absence() {
  return "this build has no CUDA backend: use --device cpu, or a release of Counterpoise that has one, built on a "
         "machine with nvcc and cuDNN";
}

}  // namespace counterpoise
