// BatchNorm2d: normalizes each channel to mean 0 and variance 1, then scales and shifts it by learned amounts.
// Ioffe and Szegedy 2015 (arXiv:1502.03167).
#pragma once

#include <cmath>

#include "layers/conv2d.h"
#include "layers/init.h"
#include "layers/onnx.h"

namespace counterpoise {

// x [..., C] -> (x - mean) / sqrt(var + eps) * weight + bias, of the same shape, followed by max(., 0) if `relu`. In
// training mode mean and variance are the batch's, and the running ones move towards them: running = (1 - momentum)
// running + momentum batch, where the batch's variance is the unbiased one, as in PyTorch. In evaluation mode the
// running ones are used. Names, order and defaults are PyTorch's. Like all modules, not thread-safe.
class BatchNorm2d : public Module {
 public:
  // Throws Error(invalid_argument) unless 0 <= momentum <= 1 and eps is finite and not negative.
  explicit BatchNorm2d(Index channels, double eps = 1e-5, double momentum = 0.1, bool relu = false)
      : momentum_(momentum), eps_(eps), relu_(relu) {
    CP_ENSURE_AS(invalid_argument, 0 <= momentum && momentum <= 1, "batch normalization: momentum ", momentum,
                 " is not in [0, 1]");
    CP_ENSURE_AS(invalid_argument, 0 <= eps && std::isfinite(eps), "batch normalization: eps ", eps,
                 " must be finite and not negative");
    weight_ = add("weight", init::ones({channels}));
    bias_ = add("bias", init::zeros({channels}));
    running_mean_ = add("running_mean", init::zeros({channels}), {}, /*trainable=*/false);
    running_var_ = add("running_var", init::ones({channels}), {}, /*trainable=*/false);
  }

  Var forward(const Var& x) override { return normalize(x, relu_, {}); }
  // max((*this)(conv(x)) + residual, 0), with relu if this has it or a residual is given, which has the shape of the
  // result. In evaluation mode the normalization is multiplied into the weights of the convolution, so that nothing is
  // left of it but a bias; under NoGrad these weights are kept for the next call. Then it throws Error(failure)
  // for a convolution with relu.
  Var after(Conv2d& conv, const Var& x, const Var& residual = {}) {
    const bool relu = relu_ || residual.defined();
    if (training()) {
      folded_.forget();
      return traced(normalize(conv(x), relu, residual));
    }
    const LayerWeights own = conv.weights();
    const auto fold = [&]() -> LayerWeights {
      const Var scale = weight_ * pow(running_var_ + eps_, -0.5), shift = bias_ - running_mean_ * scale;
      const Var weight = own.weight * reshape(scale, {own.weight.shape()[0], 1, 1, 1});
      const Var bias = own.bias.defined() ? own.bias * scale + shift : shift;
      return {detail::cast_like(x, weight), detail::cast_like(x, bias)};
    };
    const std::vector<Var> parameters = {own.weight, own.bias, weight_, bias_, running_mean_, running_var_};
    return traced(conv.with(folded_.get(parameters, x.value().dtype(), fold), x, relu, residual));
  }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    const std::string y =
        to.node("BatchNormalization",
                {x.name, to.weight("weight"), to.weight("bias"), to.weight("running_mean"), to.weight("running_var")},
                {{"epsilon", eps_}});
    return relu_ ? to.node("Relu", {y}) : y;
  }
  std::string type() const override { return "BatchNormalization"; }

 private:
  Var normalize(const Var& x, bool relu, const Var& residual) {
    return batch_norm(x, weight_, bias_, running_mean_.value(), running_var_.value(), training(), momentum_, eps_, relu,
                      residual);
  }

  double momentum_, eps_;
  bool relu_;
  Var weight_, bias_, running_mean_, running_var_;
  DerivedWeights folded_;
};

}  // namespace counterpoise
