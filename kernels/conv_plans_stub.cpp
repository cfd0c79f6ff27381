// Stands in for time_conv_plans() until the cuda backend has it.
#include "kernels/conv_plans.h"

namespace counterpoise {

void time_conv_plans(Backend&, ConvPass, const Shape&, const Shape&, Conv2dParams, DType,
                     const std::function<void(const ConvPlanTiming&)>&) {
  throw Error(ErrorKind::device, "time_conv_plans: this backend cannot list its plans yet");
}

}  // namespace counterpoise
