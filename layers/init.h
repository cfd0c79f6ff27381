// How weights begin. All draw from the caller's Random, on the host, so that every backend starts the same.
#pragma once

#include <cmath>

#include "core/random.h"
#include "core/tensor.h"

namespace counterpoise {

// Normal with mean 0 and the given standard deviation.
inline Tensor normal(Backend& backend, const Shape& shape, Random& rng, double deviation) {
  std::vector<float> values(shape.size());
  for (float& value : values) value = static_cast<float>(deviation * rng.normal());
  return Tensor::from(backend, shape, values);
}

// He et al. 2015 (arXiv:1502.01852) eq. 10 and 14: deviation sqrt(2 / fan), so that relu layers neither blow up nor
// fade what goes through them. torchvision's VGG takes fan = outputs x kernel area.
inline Tensor kaiming_normal(Backend& backend, const Shape& shape, Random& rng, Index fan) {
  return normal(backend, shape, rng, std::sqrt(2.0 / static_cast<double>(fan)));
}

// Glorot and Bengio 2010 eq. 16: uniform within sqrt(6 / (inputs + outputs)); Keras's default.
inline Tensor glorot_uniform(Backend& backend, const Shape& shape, Random& rng, Index inputs, Index outputs) {
  const float bound = static_cast<float>(std::sqrt(6.0 / static_cast<double>(inputs + outputs)));
  std::vector<float> values(shape.size());
  for (float& value : values) value = rng.uniform(-bound, bound);
  return Tensor::from(backend, shape, values);
}

}  // namespace counterpoise
