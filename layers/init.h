// Initial weights: the generator that draws them, and the distributions, with the names of torch.nn.init.
//
// Layers are constructed without naming a backend or a random generator; they take both from the calling thread:
//
//   manual_seed(1);
//   Sequential net = {Linear(8, 64), ReLU(), Linear(64, 1)};   // on cpu_backend(), always the same weights
//   net.to(*cuda_backend());
//
//   {
//     const InitScope scope(*cuda_backend(), /*seed=*/1);      // the same weights, constructed on the GPU
//     Sequential other = {Linear(8, 64), ReLU(), Linear(64, 1)};
//   }
//
// Weights are drawn on the host in f32, so that every backend starts with the same. On meta_backend() none are drawn.
//
// Thread safety: the default backend and generator belong to the thread, so threads do not influence each other. Each
// starts with the seed 0.
#pragma once

#include "core/random.h"
#include "core/tensor.h"

namespace counterpoise {

// Seeds the calling thread's generator: the initial weights of all layers that it constructs from now on, and the masks
// of their Dropout, come from Random(seed, Stream::init). Within an InitScope this holds until the scope ends. (Unlike
// PyTorch's, it seeds nothing else: a DataLoader has a seed of its own.)
void manual_seed(uint64_t seed);

// While one of these lives, the layers that its thread constructs live on `backend`, and draw their initial weights
// from Random(seed, Stream::init). Afterwards backend and generator are the previous ones again, in their previous
// state.
class InitScope {
 public:
  InitScope(Backend& backend, uint64_t seed);
  ~InitScope();
  InitScope(const InitScope&) = delete;
  InitScope& operator=(const InitScope&) = delete;

 private:
  Backend& backend_before_;
  Random rng_before_;
};

namespace init {

// The backend and the generator that the calling thread constructs layers with.
Backend& backend();
Random& rng();

Tensor constant(const Shape& shape, double value);
inline Tensor zeros(const Shape& shape) { return constant(shape, 0); }
inline Tensor ones(const Shape& shape) { return constant(shape, 1); }

// Normal with mean 0 and the given standard deviation.
Tensor normal(const Shape& shape, double deviation);

// Normal with the standard deviation sqrt(2 / fan), so that a network of relu layers keeps the variance of its
// activations (fan = fan_in) or of its gradients (fan = fan_out: for a convolution outputs x kernel area, as in
// torchvision's VGG): He et al. 2015 (arXiv:1502.01852) eq. 10 and 14.
Tensor kaiming_normal(const Shape& shape, Index fan);

// Uniform in [-a, a), a = sqrt(6 / (fan_in + fan_out)): Glorot and Bengio 2010 eq. 16, Keras's default.
Tensor xavier_uniform(const Shape& shape, Index fan_in, Index fan_out);

}  // namespace init

}  // namespace counterpoise
