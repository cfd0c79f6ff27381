// CosineLinear: a dense layer whose outputs are cosines.
#pragma once

#include "layers/init.h"
#include "layers/module.h"

namespace counterpoise {

// x [N, C] -> [N, K]: the cosine of the angle between x and each row of weight [K, C], between -1 and 1. A class cannot
// win by a long weight vector, as frequent ones otherwise do; LDAM's margins (Cao et al. 2019, arXiv:1906.07413) are
// measured on it. Weights begin as Linear's; there is no bias.
class CosineLinear : public Module {
 public:
  CosineLinear(Backend& backend, Random& rng, Index features, Index outputs, FileLayout layout = {}) {
    weight_ = add("weight", glorot_uniform(backend, {outputs, features}, rng, features, outputs), layout);
  }

  Var forward(const Var& x) override { return matmul(unit_rows(x), unit_rows(weight_), false, true); }
  std::string type() const override { return "CosineDense"; }
  Shape output_shape(const Shape& x) const override {
    CP_ENSURE(x.rank() == 2 && x[1] == weight_.shape()[1], "CosineDense: weights ", weight_.shape(),
              " do not fit on x ", x);
    return {x[0], weight_.shape()[0]};
  }

 private:
  // Rows divided by their lengths; the 1e-12 keeps a row of zeros from 0 / 0.
  static Var unit_rows(const Var& x) { return x / sqrt(sum_to(square(x), {x.shape()[0], 1}) + 1e-12); }

  Var weight_;
};

}  // namespace counterpoise
