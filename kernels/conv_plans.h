// How a remote backend could compute a convolution: all the plans that its library offers, for benchmarks.
#pragma once

#include <functional>
#include <string>

#include "kernels/backend.h"

namespace counterpoise {

// The three convolutions of a training step, of which the forward one has bias and ReLU; and the gradient of the input
// together with that of the ReLU below, Backend::conv2d_grad_input_relu().
enum class ConvPass { forward, grad_input, grad_weight, grad_input_relu };

// One plan, timed. Times are in milliseconds.
struct ConvPlanTiming {
  std::string name;            // "engine 41, knobs 2=7 13=1, notes 0"
  double prepare_ms = 0;       // to make it ready to run
  double ms = 0;               // of one execution, the mean of several; 0 if it was refused
  size_t workspace_bytes = 0;  // memory that it needs beside its tensors
  double deviation = 0;        // of its result: the largest, relative to the largest number
  bool agrees = true;          // whether that is within rounding
  std::string refusal;         // why it cannot run; empty if it can
};

// Times all plans for a convolution of x [N, H, W, C] with w [K, R, S, C] on random numbers, and calls `report` for
// each as soon as it is known, the library's first choice first. Deviations are from the result of that one or, if
// `exact`, from that of the definition's loops in double precision, which take seconds for a large batch. Throws
// Error(device) if the backend is not a GPU's. Not thread-safe: it uses the backend, which with grad_input_relu may
// also remember the fastest plan of the convolution alone.
void time_conv_plans(Backend& backend, ConvPass pass, const Shape& x, const Shape& w, Conv2dParams params, DType dtype,
                     bool exact, const std::function<void(const ConvPlanTiming&)>& report);

}  // namespace counterpoise
