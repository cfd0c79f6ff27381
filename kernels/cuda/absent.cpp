// Replaces the cuda backend where the framework is built without CUDA.
#include "kernels/backend.h"
#include "kernels/conv_plans.h"

namespace counterpoise {

Backend* cuda_backend() { return nullptr; }

std::string cuda_absence() {
  return "this program was built without CUDA: install nvcc, cuBLAS and cuDNN and run make again";
}

bool cuda_is_broken() { return false; }

std::string cuda_version() { return ""; }

void time_conv_plans(Backend&, ConvPass, const Shape&, const Shape&, Conv2dParams, DType, bool,
                     const std::function<void(const ConvPlanTiming&)>&) {
  throw Error(ErrorKind::device, "there are no plans to time: ", cuda_absence());
}

}  // namespace counterpoise
