// The device that the command line selects. To be called by the main thread.
#pragma once

#include <string>

#include "kernels/backend.h"

namespace counterpoise {

// The backend that --device selects, in this mode, but with tf32 as --precision selects, and graphs only on a GPU.
// `auto` is the CPU where no GPU can be used; a warning says why, if there is one. Throws Error(device) if the backend
// is missing or lacks the dtype or the mode.
Backend& choose_backend(const std::string& device, const std::string& precision, ComputeMode mode = {});

// The dtype of images and of all that the network computes from them. Weights, sums and losses are f32 in any case.
DType activation_dtype(const std::string& precision);

}  // namespace counterpoise
