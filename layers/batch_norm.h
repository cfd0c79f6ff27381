// BatchNorm2d: normalizes each channel to mean 0 and variance 1, then scales and shifts it by learned amounts.
// Ioffe and Szegedy 2015 (arXiv:1502.03167).
#pragma once

#include "layers/init.h"
#include "layers/onnx.h"

namespace counterpoise {

// x [..., C] -> (x - mean) / sqrt(var + eps) * weight + bias, of the same shape. In training mode mean and variance are
// the batch's, and the running ones move towards them: running = (1 - momentum) running + momentum batch. In evaluation
// mode the running ones are used. Names and defaults are PyTorch's. Like all modules, not thread-safe.
class BatchNorm2d : public Module {
 public:
  explicit BatchNorm2d(Index channels, double momentum = 0.1, double eps = 1e-5) : momentum_(momentum), eps_(eps) {
    weight_ = add("weight", init::ones({channels}));
    bias_ = add("bias", init::zeros({channels}));
    running_mean_ = add("running_mean", init::zeros({channels}), {}, /*trainable=*/false);
    running_var_ = add("running_var", init::ones({channels}), {}, /*trainable=*/false);
  }

  Var forward(const Var& x) override {
    return batch_norm(x, weight_, bias_, running_mean_.value(), running_var_.value(), training(), momentum_, eps_);
  }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    return to.node(
        "BatchNormalization",
        {x.name, to.weight("weight"), to.weight("bias"), to.weight("running_mean"), to.weight("running_var")},
        {{"epsilon", eps_}});
  }
  std::string type() const override { return "BatchNormalization"; }

 private:
  double momentum_, eps_;
  Var weight_, bias_, running_mean_, running_var_;
};

}  // namespace counterpoise
