#include "apps/loss_explorer/loss_at.h"

namespace counterpoise {

LossAt loss_at(Loss& loss, double z, bool positive) {
  Backend& backend = reference_backend();
  const bool binary = loss.spec().form() == LossInfo::one_logit;
  const Tensor logits = binary ? Tensor::from(backend, {1}, std::vector<double>{z})
                               : Tensor::from(backend, {1, 2}, std::vector<double>{0, z});
  const Var x(logits, true);
  const Var value = loss(x, make_labels(backend, {positive ? 1 : 0}, 1, DType::f64));
  value.backward();
  return {value.value().item(), x.grad().defined() ? x.grad().to_vector<double>().back() : 0};
}

}  // namespace counterpoise
