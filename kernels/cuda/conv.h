// Our own kernels for the cuda backend's convolutions.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda/cudnn_conv.h"

namespace counterpoise::detail {

// A convolution as the loops of its definition, one thread for each number of the result: for f64, in which gradients
// are checked, and for the rare shapes for which cuDNN has no engine. Sums are accumulated in double.
void plain_convolution(Queue& queue, const ConvProblem& problem, const ConvData& data);

// y = y + residual, followed by max(y, 0) if `relu`: n numbers each.
void add_residual(Queue& queue, DType dtype, Index n, const void* residual, bool relu, void* y);

// bf16 only. pad_channels copies `pixels` pixels of C channels and pads them with zeros to `padded` channels;
// take_channels copies the first C channels of pixels that have `padded`.
void pad_channels(Queue& queue, Index pixels, Index C, Index padded, const void* x, void* y);
void take_channels(Queue& queue, Index pixels, Index C, Index padded, const void* x, void* y);

}  // namespace counterpoise::detail
