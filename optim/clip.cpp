#include "optim/clip.h"

namespace counterpoise {

std::vector<ConstView> gradients(const std::vector<Var>& parameters) {
  std::vector<ConstView> y;
  for (const Var& p : parameters) {
    if (p.grad().defined()) y.push_back(p.grad());
  }
  return y;
}

GradientClip clip_by_norm(const std::vector<Var>& parameters, double max_norm) {
  CP_ENSURE_AS(invalid_argument, max_norm > 0, "clip_by_norm: the norm ", max_norm, " is not positive");
  if (parameters.empty()) return {};
  Backend& backend = parameters[0].backend();
  const DType dtype = parameters[0].value().dtype();
  for (const Var& p : parameters) {
    CP_ENSURE(&p.backend() == &backend && p.value().dtype() == dtype, "clip_by_norm: a parameter is ",
              name(p.value().dtype()), " on ", p.backend().name(), ", but the first one ", name(dtype), " on ",
              backend.name(), "; clip each kind by itself");
  }
  GradientClip clip{Tensor::empty(backend, {}, DType::f64), max_norm};
  backend.sum_squares(gradients(parameters), clip.squares);
  return clip;
}

}  // namespace counterpoise
