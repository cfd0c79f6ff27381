#include "core/ops.h"
#include "core/ops_check.h"

namespace counterpoise {

using namespace detail;

Shape detail::pooled(const char* operation, const Shape& x, Pool2dParams p) {
  CP_ENSURE(p.window >= 1 && p.stride >= 1 && p.pad >= 0 && p.pad <= p.window / 2, operation, ": window ", p.window,
            ", stride ", p.stride, ", pad ", p.pad,
            ": window and stride must be positive, and the padding from 0 to half of the window");
  CP_ENSURE(x[1] + 2 * p.pad >= p.window && x[2] + 2 * p.pad >= p.window, operation, ": a window of ", p.window, "x",
            p.window, " does not fit into ", x[1], "x", x[2], "; use larger images or fewer poolings");
  return {x[0], p.out(x[1]), p.out(x[2]), x[3]};
}

Var max_pool2d(const Var& x, Pool2dParams params) {
  check_rank("max_pool2d", "x", x, 4, "[N, H, W, C]");
  const Shape xs = x.shape(), ys = pooled("max_pool2d", xs, params);
  Tensor y = empty_like(x.value(), ys), position;
  if (x.requires_grad() && !NoGrad::active()) position = Tensor::empty(x.backend(), ys, params.position_dtype());
  x.backend().max_pool2d(x.value(), params, y, position);
  return Var::from_op("max_pool2d", y, {x}, [to = GradientEdge(x), position, params](Tensor dy) {
    Tensor dx = empty_like(dy, to.shape());
    dy.backend().max_pool2d_grad(dy, position, params, dx);
    to.add_grad(dx);
  });
}

Var avg_pool2d(const Var& x, Pool2dParams params) {
  check_rank("avg_pool2d", "x", x, 4, "[N, H, W, C]");
  Tensor y = empty_like(x.value(), pooled("avg_pool2d", x.shape(), params));
  x.backend().avg_pool2d(x.value(), params, y);
  return Var::from_op("avg_pool2d", y, {x}, [to = GradientEdge(x), params](Tensor dy) {
    Tensor dx = empty_like(dy, to.shape());
    dy.backend().avg_pool2d_grad(dy, params, dx);
    to.add_grad(dx);
  });
}

Var adaptive_avg_pool2d(const Var& x, Index rows, Index columns) {
  check_rank("adaptive_avg_pool2d", "x", x, 4, "[N, H, W, C]");
  const Shape& s = x.shape();
  CP_ENSURE(rows >= 1 && columns >= 1 && s[1] >= 1 && s[2] >= 1, "adaptive_avg_pool2d: ", s, " to ", rows, "x",
            columns);
  if (s[1] == rows && s[2] == columns) return x;
  Tensor y = empty_like(x.value(), {s[0], rows, columns, s[3]});
  x.backend().adaptive_avg_pool2d(x.value(), y);
  return Var::from_op("adaptive_avg_pool2d", y, {x}, [to = GradientEdge(x)](Tensor dy) {
    Tensor dx = empty_like(dy, to.shape());
    dy.backend().adaptive_avg_pool2d_grad(dy, dx);
    to.add_grad(dx);
  });
}

Var batch_norm(const Var& x, const Var& any_scale, const Var& any_shift, Tensor& running_mean, Tensor& running_var,
               bool training, double momentum, double eps, bool relu, const Var& residual) {
  check_floating("batch_norm", x);
  const Var scale = parameter_of(x, any_scale), shift = parameter_of(x, any_shift);
  for (const Var& other : {scale, shift, Var(running_mean), Var(running_var)}) check_parameter("batch_norm", x, other);
  CP_ENSURE(x.shape().rank() >= 2, "batch_norm: x must be [..., C] but has shape ", x.shape());
  const Shape channels{x.shape()[-1]};
  CP_ENSURE(scale.shape() == channels && shift.shape() == channels && running_mean.shape() == channels &&
                running_var.shape() == channels,
            "batch_norm: x ", x.shape(), " has C=", channels[0],
            " but scale, shift and the running statistics have shapes ", scale.shape(), ", ", shift.shape(), ", ",
            running_mean.shape(), ", ", running_var.shape());
  if (residual.defined()) {
    check_same_kind("batch_norm", x, residual);
    CP_ENSURE(residual.shape() == x.shape(), "batch_norm: x has shape ", x.shape(), " but residual ", residual.shape());
  }
  if (!training) {
    const Var exact = cast(x, scale.value().dtype());
    Var y = (exact - running_mean) * (scale * pow(Var(running_var) + eps, -0.5)) + shift;
    if (residual.defined()) y = y + cast(residual, y.value().dtype());
    return cast(relu ? counterpoise::relu(y) : y, x.value().dtype());
  }

  CP_ENSURE(x.value().size() > channels[0], "batch_norm: a variance needs more than one value per channel, got ",
            x.shape(), "; use a larger batch");
  Tensor y = empty_like(x.value(), x.shape());
  Tensor mean = empty_like(scale.value(), channels), inv_std = empty_like(mean, channels);
  const Tensor other = residual.defined() ? residual.value() : Tensor();
  x.backend().batch_norm(x.value(), scale.value(), shift.value(), other, eps, momentum, relu, y, mean, inv_std,
                         running_mean, running_var);
  const Tensor kept = relu ? y : Tensor();  // where y is 0, relu stops the gradient
  const GradientEdge to_shift = shift, to_residual = residual;
  return Var::from_op(
      "batch_norm", y, {x, scale, shift, residual}, [x, scale, to_shift, to_residual, mean, inv_std, kept](Tensor dy) {
        Tensor dz = to_residual.requires_grad() && kept.defined() ? empty_like(dy, x.shape()) : Tensor();
        if (!kept.defined()) to_residual.add_grad(dy);
        Tensor dx = dy.unique() ? dy : empty_like(dy, x.shape());
        Tensor dscale = empty_like(mean, scale.shape()), dshift = empty_like(mean, scale.shape());
        dy.backend().batch_norm_grad(x.value(), scale.value(), mean, inv_std, kept, dy, dx, dscale, dshift, dz);
        if (dz.defined()) to_residual.add_grad(dz);
        x.add_grad(dx);
        scale.add_grad(dscale);
        to_shift.add_grad(dshift);
      });
}

}  // namespace counterpoise
