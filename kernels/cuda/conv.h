// Our own kernels for the cuda backend's convolutions.
#pragma once

#include <memory>

#include "kernels/cuda/cudnn_conv.h"

namespace counterpoise {

class CudaBackend;

namespace detail {

// A convolution as the loops of its definition, one thread for each number of the result: for f64, in which gradients
// are checked, and for the rare shapes for which cuDNN has no engine. Sums are accumulated in double.
void plain_convolution(Queue& queue, const ConvProblem& problem, const ConvData& data);

// y = y + residual, followed by max(y, 0) if `relu`: n numbers each.
void add_residual(Queue& queue, DType dtype, Index n, const void* residual, bool relu, void* y);

// bf16 only. pad_channels copies `pixels` pixels of C channels and pads them with zeros to `padded` channels;
// take_channels copies the first C channels of pixels that have `padded`.
void pad_channels(Queue& queue, Index pixels, Index C, Index padded, const void* x, void* y);
void take_channels(Queue& queue, Index pixels, Index C, Index padded, const void* x, void* y);

// A plan for the forward pass or the gradient of the weights, in bf16, of 64 filters of 3x3, stride 1, for x with 8
// channels (conv_few_channels.cu); null for any other problem.
std::shared_ptr<ConvPlan> few_channels_plan(CudaBackend& backend, Queue& queue, const ConvProblem& problem);

}  // namespace detail
}  // namespace counterpoise
