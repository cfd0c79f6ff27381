// Conv2d: a convolution with bias, and relu in the same operation if requested. Like all modules, not thread-safe.
#pragma once

#include "layers/derived_weights.h"
#include "layers/init.h"
#include "layers/onnx.h"

namespace counterpoise {

// x [N, H, W, C] -> [N, P, Q, K]; weight [K, R, R, C], bias [K]; P = (H + 2 pad - R) / stride + 1, rounded down, and Q
// likewise.
class Conv2d : public Module {
 public:
  // C = channels, K = outputs, R = kernel. With `relu` the output is max(., 0), computed in the same operation, which
  // is faster than a ReLU after it. The initial weights are Kaiming-normal (fan out), the initial biases 0.
  Conv2d(Index channels, Index outputs, Index kernel, Conv2dParams params = {}, bool relu = false, bool bias = true)
      : params_(params), relu_(relu) {
    const Shape shape{outputs, kernel, kernel, channels};
    weight_ = add("weight", init::kaiming_normal(shape, outputs * kernel * kernel), {FileLayout::conv});
    if (bias) bias_ = add("bias", init::zeros({outputs}));
  }

  Var forward(const Var& x) override { return conv2d(x, weight_, bias_, params_, relu_); }
  // max_pool2d((*this)(x), pool) as one operation that keeps less for the backward pass. Throws Error(failure) for a
  // convolution without relu.
  Var pooled(const Var& x, Pool2dParams pool) {
    CP_ENSURE(relu_, "Conv2d::pooled() computes a relu, which this convolution has not");
    const Shape& xs = x.shape();
    const Shape& ws = weight_.shape();
    const Var y = conv2d_relu_max_pool2d(x, weight_, bias_, params_, pool);
    traced(Shape{xs[0], params_.out(xs[1], ws[1]), params_.out(xs[2], ws[2]), ws[0]});
    return y;
  }
  LayerWeights weights() const { return {weight_, bias_}; }
  // (*this)(x) with other weights of the same shapes, or with a bias where this has none; then residual is added, if it
  // is defined, and max(., 0) follows if `relu`. Throws Error(failure) for a convolution with relu.
  Var with(const LayerWeights& others, const Var& x, bool relu, const Var& residual = {}) {
    CP_ENSURE(!relu_, "Conv2d::with() and BatchNorm2d::after() leave out the relu that this convolution has");
    return traced(conv2d(x, others.weight, others.bias, params_, relu, residual));
  }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    std::vector<std::string> inputs = {x.name, to.weight("weight")};
    if (to.has_weight("bias")) inputs.push_back(to.weight("bias"));
    const Index kernel = weight_.shape()[1], stride = params_.stride, pad = params_.pad;
    const std::string y =
        to.node("Conv", inputs,
                {{"kernel_shape", {kernel, kernel}}, {"strides", {stride, stride}}, {"pads", {pad, pad, pad, pad}}});
    return relu_ ? to.node("Relu", {y}) : y;
  }
  std::string type() const override { return "Conv2D"; }

 private:
  Conv2dParams params_;
  bool relu_;
  Var weight_, bias_;
};

}  // namespace counterpoise
