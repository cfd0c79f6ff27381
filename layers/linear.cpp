#include "layers/linear.h"

namespace counterpoise {

void tau_normalize(Module& layer, double tau) {
  for (Parameter& p : layer.parameters()) {
    if (p.name == "bias") p.var.set_value(Tensor::zeros(p.var.backend(), p.var.shape(), p.var.value().dtype()));
    if (p.name != "weight") continue;
    const NoGrad no_grad;
    const Index K = p.var.shape()[0];
    CP_ENSURE(p.var.shape().rank() == 2 && K >= 2, "tau_normalize: weights ", p.var.shape(),
              " must be a matrix of at least two rows to be balanced");
    const Var lengths = sqrt(sum_to(square(p.var), {K, 1}) + 1e-24);
    p.var.set_value((p.var * pow(lengths, -tau)).value());
  }
}

}  // namespace counterpoise
