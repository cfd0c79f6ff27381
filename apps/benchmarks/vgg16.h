// VGG16 and its convolutions, with numbers to compute on. To be used by one thread, that of the backend.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/benchmarks/benchmarks.h"
#include "core/tensor.h"
#include "layers/models/models.h"

namespace counterpoise {

// options.model.
std::unique_ptr<Model> benchmarked_model(const BenchOptions& options, Backend& backend);

// The shape of a convolution, and how many layers of VGG16 have it.
struct ConvLayer {
  Index size, channels, outputs;
  int times;
  std::string text() const { return detail::text(size, "x", size, ", ", channels, " to ", outputs); }
  // Floating-point operations of one pass over a batch: a multiplication and an addition for each product.
  double flops(Index batch) const { return 2.0 * 9 * double(batch * size * size) * double(channels * outputs); }
};

std::vector<ConvLayer> vgg16_layers(const BenchOptions& options);

constexpr Conv2dParams same_size{1, 1};  // of each of its 3x3 convolutions

Tensor random_tensor(Backend& backend, const Shape& shape);

// A batch that repeats one random image, which is faster to make than a batch of different ones. It is not constant,
// because a GPU needs less power for constants and runs faster than it does in a network.
Tensor random_batch(Backend& backend, const BenchOptions& options, Index size, Index channels);

// The tensors that a convolution of this shape reads and writes in its forward and backward pass.
struct LayerTensors {
  LayerTensors(Backend& backend, const BenchOptions& options, const ConvLayer& layer);
  Tensor x, w, bias, dy, y, dx, dw;
};

}  // namespace counterpoise
