#include "apps/benchmarks/vgg16.h"

#include <cmath>
#include <utility>

#include "core/ops.h"
#include "core/ops_check.h"
#include "core/random.h"

namespace counterpoise {

std::unique_ptr<Model> benchmarked_model(const BenchOptions& options, Backend& backend) {
  ModelConfig config;
  config.name = options.model;
  config.image_size = options.size;
  config.width = options.width;
  return make_model(config, backend, 1);
}

std::vector<ConvLayer> vgg16_layers(const BenchOptions& options) {
  std::vector<ConvLayer> layers;
  Index size = options.size, channels = 3;
  for (const auto& [width, convolutions] : {std::pair{64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}}) {
    const Index outputs = std::llround(width * options.width);
    for (int i = 0; i < convolutions; ++i) {
      const bool again = i > 0 && layers.back().channels == channels;
      if (again) ++layers.back().times;
      else layers.push_back({size, channels, outputs, 1});
      channels = outputs;
    }
    size /= 2;
  }
  return layers;
}

Tensor random_tensor(Backend& backend, const Shape& shape) {
  Random rng(1, Stream::test);
  std::vector<float> values(shape.size());
  for (float& v : values) v = rng.uniform(-1, 1);
  return Tensor::from(backend, shape, values);
}

Tensor random_batch(Backend& backend, const BenchOptions& options, Index size, Index channels) {
  const Tensor image = random_tensor(backend, {1, size, size, channels}).cast(options.dtype());
  return expand(image, {options.batch, size, size, channels});
}

LayerTensors::LayerTensors(Backend& backend, const BenchOptions& options, const ConvLayer& l)
    : x(detail::conv2d_input(random_batch(backend, options, l.size, l.channels))),
      w(random_tensor(backend, {l.outputs, 3, 3, l.channels}).cast(options.dtype())),
      bias(random_tensor(backend, {l.outputs}).cast(options.dtype())),
      dy(random_batch(backend, options, l.size, l.outputs)),
      y(Tensor::empty(backend, dy.shape(), dy.dtype())),
      dx(Tensor::empty(backend, {options.batch, l.size, l.size, l.channels}, options.dtype())),
      dw(Tensor::empty(backend, w.shape(), w.dtype())) {}

}  // namespace counterpoise
