// Conv2d: a convolution with bias, and max(., 0) in the same operation where `relu` is set.
#pragma once

#include "layers/init.h"
#include "layers/module.h"

namespace counterpoise {

// x [N, H, W, C] -> [N, P, Q, K]. Square kernels; weights begin Kaiming-normal (fan out), biases at 0.
class Conv2d : public Module {
 public:
  Conv2d(Backend& backend, Random& rng, Index channels, Index outputs, Index kernel, Conv2dParams params,
         bool relu = false, bool bias = true)
      : params_(params), relu_(relu) {
    const Shape shape{outputs, kernel, kernel, channels};
    weight_ = add("weight", kaiming_normal(backend, shape, rng, outputs * kernel * kernel), {FileLayout::conv});
    if (bias) bias_ = add("bias", Tensor::zeros(backend, {outputs}));
  }

  Var forward(const Var& x) override { return conv2d(x, weight_, bias_, params_, relu_); }
  std::string type() const override { return "Conv2D"; }
  Shape output_shape(const Shape& x) const override {
    const Shape& w = weight_.shape();
    CP_ENSURE(x.rank() == 4 && x[3] == w[3] && x[1] + 2 * params_.pad >= w[1] && x[2] + 2 * params_.pad >= w[2],
              "Conv2D: weights ", w, " do not fit on x ", x);
    return {x[0], params_.out(x[1], w[1]), params_.out(x[2], w[2]), w[0]};
  }

 private:
  Conv2dParams params_;
  bool relu_;
  Var weight_, bias_;
};

}  // namespace counterpoise
