// What the program bench measures. Every function runs on the main thread, since it uses a backend, and returns an
// object for the program's last line; times in it are in seconds.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/trainer/device.h"
#include "kernels/backend.h"

namespace counterpoise {

struct BenchOptions {
  std::string mode, model = "vgg16", device = "cpu", precision = "fp32";
  Index size = 160, batch = 16;
  double width = 1, seconds = 1;
  int threads = 0;
  bool stream = false, exact = false, compile = false, step_graphs = true, allow_fallbacks = false;
  DType dtype() const { return activation_dtype(precision); }
};

// Receives an object as soon as it has been measured.
using Row = std::function<void(const nlohmann::json&)>;

// A training step of the model, by default VGG16 (SGD with momentum, binary cross-entropy), or by `mode` its forward
// pass.
nlohmann::json network_times(const BenchOptions& options, Backend& backend);

// VGG16's convolutions, each shape once: the forward pass with bias and ReLU, and the two gradients.
nlohmann::json layer_times(const BenchOptions& options, Backend& backend);

// Every operation of a training step of catdog on every shape: how often a step does it, how long it takes, and the
// bytes and floating-point operations per second; the longest in total first, after a copy within the device's memory
// for comparison. What takes next to no time (the loss, the sum with one bias) is left out.
nlohmann::json operation_times(const BenchOptions& options, Backend& backend, const Row& row);

// A convolution from 256 channels to 256, and the gradient of its weights, by each algorithm of the CPU. Errors are
// relative to the results of the first, which sums in double precision.
nlohmann::json algorithm_times(const BenchOptions& options, Backend& backend);

// Every plan that the GPU's library offers for each convolution of a training step of VGG16: an object for each
// problem, followed by one for each of its plans.
nlohmann::json plan_times(const BenchOptions& options, Backend& backend, const Row& row);

// The usual augmentation for training on ImageNet, from a decoded image of 500 x 375 pixels to normalized floats:
// random resized crop, flip, color jitter (0.4, 0.4, 0.4, 0.1). Images per second of all threads together.
nlohmann::json augmentation_rate(const BenchOptions& options);

}  // namespace counterpoise
