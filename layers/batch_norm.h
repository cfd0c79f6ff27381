// BatchNorm2d: each channel to mean 0 and variance 1, then scaled and shifted by learned amounts.
// Ioffe and Szegedy 2015 (arXiv:1502.03167).
#pragma once

#include "layers/module.h"

namespace counterpoise {

// x [..., C]. While training by the batch's statistics, which also move the running ones by `momentum`; otherwise by
// the running ones. Names and defaults are PyTorch's.
class BatchNorm2d : public Module {
 public:
  BatchNorm2d(Backend& backend, Index channels, double momentum = 0.1, double eps = 1e-5)
      : momentum_(momentum), eps_(eps) {
    weight_ = add("weight", Tensor::full(backend, {channels}, 1));
    bias_ = add("bias", Tensor::zeros(backend, {channels}));
    running_mean_ = add("running_mean", Tensor::zeros(backend, {channels}), {}, false);
    running_var_ = add("running_var", Tensor::full(backend, {channels}, 1), {}, false);
  }

  Var forward(const Var& x) override {
    return batch_norm(x, weight_, bias_, running_mean_.value(), running_var_.value(), training(), momentum_, eps_);
  }
  std::string type() const override { return "BatchNormalization"; }
  Shape output_shape(const Shape& x) const override {
    CP_ENSURE(x.rank() >= 2 && x[-1] == weight_.shape()[0], "BatchNormalization: ", weight_.shape()[0],
              " channels do not fit on x ", x);
    return x;
  }

 private:
  double momentum_, eps_;
  Var weight_, bias_, running_mean_, running_var_;
};

}  // namespace counterpoise
