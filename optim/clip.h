// Clipping gradients by their norm, Pascanu et al. 2013 (arXiv:1211.5063): one wild batch cannot throw the weights
// away.
#pragma once

#include <vector>

#include "core/var.h"

namespace counterpoise {

// To be passed to Optimizer::step(): all gradients are multiplied by min(1, max_norm / (norm + 1e-6)), where norm is
// that of all of them together, as by PyTorch's clip_grad_norm_(): if a gradient is NaN, all become NaN. Nothing waits
// for the norm.
struct GradientClip {
  Tensor squares = {};  // [] f64 on the parameters' backend: the sum of the squares of all gradients
  double max_norm = 0;  // 0: no clipping
};

// Clipping to `max_norm` of the gradients that these parameters have now. Throws Error(invalid_argument) for a norm
// that is not positive, and Error(failure) for parameters of several dtypes or backends. Not thread-safe where the
// backend is not.
GradientClip clip_by_norm(const std::vector<Var>& parameters, double max_norm);

// The gradients of those parameters that have one, in their order: where some have none, fewer than parameters.
std::vector<ConstView> gradients(const std::vector<Var>& parameters);

}  // namespace counterpoise
