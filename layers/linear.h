// Linear: a dense layer.
#pragma once

#include "layers/init.h"
#include "layers/module.h"

namespace counterpoise {

// x [N, C] -> x weight^T + bias [N, K]. Weights begin Glorot-uniform, or normal with `deviation` if it is positive
// (torchvision's VGG: 0.01); biases at 0. Where x is a flattened image, `layout` says of what size.
class Linear : public Module {
 public:
  Linear(Backend& backend, Random& rng, Index features, Index outputs, double deviation = 0, FileLayout layout = {}) {
    const Shape shape{outputs, features};
    weight_ = add(
        "weight",
        deviation > 0 ? normal(backend, shape, rng, deviation) : glorot_uniform(backend, shape, rng, features, outputs),
        layout);
    bias_ = add("bias", Tensor::zeros(backend, {outputs}));
  }

  Var forward(const Var& x) override { return linear(x, weight_, bias_); }
  std::string type() const override { return "Dense"; }
  Shape output_shape(const Shape& x) const override {
    CP_ENSURE(x.rank() == 2 && x[1] == weight_.shape()[1], "Dense: weights ", weight_.shape(), " do not fit on x ", x);
    return {x[0], weight_.shape()[0]};
  }

 private:
  Var weight_, bias_;
};

}  // namespace counterpoise
