#include "apps/trainer/conv_init.h"

#include "layers/init.h"

namespace counterpoise {

void glorot_convolutions(Model& model, uint64_t seed) {
  std::vector<Parameter> parameters = model.parameters();
  if (parameters.empty()) return;
  const InitScope scope(parameters.front().var.backend(), seed);
  for (Parameter& p : parameters) {
    if (p.layout.kind != FileLayout::conv) continue;
    const Shape shape = p.var.shape();  // [K, R, S, C]
    const Index area = shape[1] * shape[2];
    p.var.set_value(init::xavier_uniform(shape, area * shape[3], area * shape[0]));
  }
}

}  // namespace counterpoise
