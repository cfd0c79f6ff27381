#include "layers/init.h"

#include <cmath>

namespace counterpoise {

namespace {

struct Defaults {
  Backend* backend;
  Random rng;
};

Defaults& defaults() {
  thread_local Defaults of_thread{&cpu_backend(), Random(0, Stream::init)};
  return of_thread;
}

}  // namespace

void manual_seed(uint64_t seed) { defaults().rng = Random(seed, Stream::init); }

InitScope::InitScope(Backend& backend, uint64_t seed) : backend_before_(init::backend()), rng_before_(init::rng()) {
  defaults() = {&backend, Random(seed, Stream::init)};
}

InitScope::~InitScope() { defaults() = {&backend_before_, rng_before_}; }

namespace init {

Backend& backend() { return *defaults().backend; }
Random& rng() { return defaults().rng; }

Tensor constant(const Shape& shape, double value) { return Tensor::full(backend(), shape, value); }

Tensor normal(const Shape& shape, double deviation) {
  if (&backend() == &meta_backend()) return Tensor::empty(backend(), shape);
  Random& random = rng();
  std::vector<float> values(shape.size());
  for (float& value : values) value = static_cast<float>(deviation * random.normal());
  return Tensor::from(backend(), shape, values);
}

Tensor kaiming_normal(const Shape& shape, Index fan) {
  return normal(shape, std::sqrt(2.0 / static_cast<double>(fan)));
}

Tensor xavier_uniform(const Shape& shape, Index fan_in, Index fan_out) {
  if (&backend() == &meta_backend()) return Tensor::empty(backend(), shape);
  const float bound = static_cast<float>(std::sqrt(6.0 / static_cast<double>(fan_in + fan_out)));
  Random& random = rng();
  std::vector<float> values(shape.size());
  for (float& value : values) value = random.uniform(-bound, bound);
  return Tensor::from(backend(), shape, values);
}

}  // namespace init

}  // namespace counterpoise
