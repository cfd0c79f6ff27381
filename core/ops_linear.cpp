#include "core/ops.h"
#include "core/ops_check.h"

namespace counterpoise {

using namespace detail;

Var matmul(const Var& a, const Var& b, bool transpose_a, bool transpose_b, std::optional<DType> result) {
  check_same_kind("matmul", a, b);
  const DType dtype = a.value().dtype(), wanted = result.value_or(dtype);
  CP_ENSURE(wanted == dtype || wanted == parameter_dtype(dtype), "matmul: operands in ", name(dtype),
            " have no product in ", name(wanted), "; convert it with cast()");
  check_rank("matmul", "a", a, 2, transpose_a ? "[L, M]" : "[M, L]");
  check_rank("matmul", "b", b, 2, transpose_b ? "[N, L]" : "[L, N]");
  const Index M = a.shape()[transpose_a ? 1 : 0], L = a.shape()[transpose_a ? 0 : 1];
  const Index N = b.shape()[transpose_b ? 0 : 1], Lb = b.shape()[transpose_b ? 1 : 0];
  CP_ENSURE(L == Lb, "matmul: ", a.shape(), transpose_a ? "^T" : "", " times ", b.shape(), transpose_b ? "^T" : "",
            ": the inner extents ", L, " and ", Lb, " differ");
  Tensor y = Tensor::empty(a.backend(), {M, N}, wanted);
  a.backend().matmul(a.value(), transpose_a, b.value(), transpose_b, y);
  return Var::from_op("matmul", y, {a, b}, [a, b, transpose_a, transpose_b, dtype](Tensor exact_dy) {
    const Tensor dy = exact_dy.cast(dtype);
    Backend& backend = dy.backend();
    if (a.requires_grad()) {  // y = A B:  dA = dy B^T
      Tensor da = empty_like(dy, a.shape());
      if (transpose_a) backend.matmul(b.value(), transpose_b, dy, true, da);
      else backend.matmul(dy, false, b.value(), !transpose_b, da);
      a.add_grad(da);
    }
    if (b.requires_grad()) {  // dB = A^T dy
      Tensor db = empty_like(dy, b.shape());
      if (transpose_b) backend.matmul(dy, true, a.value(), transpose_a, db);
      else backend.matmul(a.value(), !transpose_a, dy, false, db);
      b.add_grad(db);
    }
  });
}

namespace {

// As check_same_kind() for weights, which may also be rounded.
void check_weight(const char* operation, const Var& x, const Var& weight) {
  check_floating(operation, x);
  if (is_rounded_for(x, weight)) check_parameter(operation, x, weight);
  else check_same_kind(operation, x, weight);
}

}  // namespace

Var linear(const Var& x, const Var& weight, const Var& bias, std::optional<DType> result) {
  check_weight("linear", x, weight);
  if (bias.defined()) check_weight("linear", x, bias);
  check_rank("linear", "x", x, 2, "[N, C]");
  check_rank("linear", "weight", weight, 2, "[K, C]");
  CP_ENSURE(x.shape()[1] == weight.shape()[1], "linear: x ", x.shape(), " has ", x.shape()[1], " features but weight ",
            weight.shape(), " expects ", weight.shape()[1]);
  CP_ENSURE(!bias.defined() || bias.shape() == Shape{weight.shape()[0]}, "linear: bias ", bias.shape(),
            " for K=", weight.shape()[0], " outputs");
  const Var y = matmul(x, cast_like(x, weight), false, true, result);
  if (!bias.defined()) return y;
  const bool widened = y.value().dtype() != x.value().dtype();
  return y + (widened ? parameter_of(x, bias) : cast_like(x, bias));
}

namespace {

// The shape of conv2d's result, if these operands fit.
Shape convolved(const char* operation, const Var& x, const Var& weight, const Var& bias, Conv2dParams params) {
  check_weight(operation, x, weight);
  check_rank(operation, "x", x, 4, "[N, H, W, C]");
  check_rank(operation, "weight", weight, 4, "[K, R, S, C]");
  const Shape& xs = x.shape();
  const Shape& ws = weight.shape();
  CP_ENSURE(xs[3] == ws[3], operation, ": x ", xs, " has C=", xs[3], " but weight ", ws, " expects C=", ws[3]);
  CP_ENSURE(ws[1] >= 1 && ws[2] >= 1, operation, ": a kernel of ", ws[1], "x", ws[2], " has no weights");
  CP_ENSURE(params.stride >= 1 && params.pad >= 0, operation, ": stride ", params.stride, ", pad ", params.pad,
            ": the stride must be positive and the padding not negative");
  CP_ENSURE(xs[1] + 2 * params.pad >= ws[1] && xs[2] + 2 * params.pad >= ws[2], operation, ": a kernel of ", ws[1], "x",
            ws[2], " does not fit into ", xs[1], "x", xs[2], " with padding ", params.pad);
  if (bias.defined()) {
    check_weight(operation, x, bias);
    CP_ENSURE(bias.shape() == Shape{ws[0]}, operation, ": bias ", bias.shape(), " for K=", ws[0], " output channels");
  }
  return {xs[0], params.out(xs[1], ws[1]), params.out(xs[2], ws[2]), ws[0]};
}

// The gradient of a convolution's input, which the operation below may want masked by its relu.
class ConvolutionInputGradient final : public PendingGradient {
 public:
  ConvolutionInputGradient(const Tensor& dy, const Tensor& weight, Conv2dParams params, const Shape& shape)
      : dy_(dy), weight_(weight), params_(params), shape_(shape) {}
  const Shape& shape() const override { return shape_; }
  DType dtype() const override { return dy_.dtype(); }
  Backend& backend() const override { return dy_.backend(); }
  Tensor compute() const override {
    Tensor dx = empty_like(dy_, shape_);
    dy_.backend().conv2d_grad_input(dy_, weight_, params_, dx);
    dy_.backend().rejoin();
    return dx;
  }
  Tensor compute_through_relu(const Tensor& x, Tensor& db) const override {
    Tensor dz = empty_like(dy_, shape_);
    dy_.backend().conv2d_grad_input_relu(dy_, weight_, params_, x, dz, db);
    dy_.backend().rejoin();
    return dz;
  }

 private:
  const Tensor dy_, weight_;
  const Conv2dParams params_;
  const Shape shape_;
};

// The gradient before y = relu(z + bias), and, as its sum, that of the bias. It is in the memory of the gradient of y
// if nothing else needs that.
Tensor through_relu(const Tensor& y, Gradient gradient, const GradientEdge& bias) {
  // A sum over all pixels of a batch, which bf16 would not hold.
  Tensor db = bias.requires_grad() ? Tensor::empty(y.backend(), bias.shape(), parameter_dtype(y.dtype())) : Tensor();
  Tensor dz;
  if (db.defined() && gradient.pending()) {
    dz = gradient.pending()->compute_through_relu(y, db);
  } else {
    const Tensor dy = std::move(gradient);
    dz = dy.unique() ? dy : empty_like(dy, dy.shape());
    if (db.defined()) y.backend().relu_bias_grad(y, dy, dz, db);
    else y.backend().relu_mask(y, dy, dz);
  }
  if (db.defined()) bias.add_grad(db.cast(bias.dtype()));
  return dz;
}

// What a convolution's gradients are computed with: `input` is that of conv2d_input(x), `w` the weight's value_like(x).
struct Convolution {
  GradientEdge x;
  Tensor input;
  GradientEdge weight;
  Tensor w;
  Conv2dParams params;
};

// Nothing but the optimizer waits for the gradient of the weight: it is computed aside, while that of x is computed.
void add_convolution_grads(const Convolution& c, const Tensor& dy) {
  if (c.weight.requires_grad()) {
    dy.backend().aside([&] {
      Tensor dw = empty_like(dy, c.weight.shape());
      dy.backend().conv2d_grad_weight(c.input, dy, c.params, dw);
      c.weight.add_grad(dw.cast(c.weight.dtype()));
    });
  }
  if (c.x.requires_grad()) {
    c.x.add_grad(Gradient(std::make_shared<ConvolutionInputGradient>(dy, c.w, c.params, c.x.shape())));
  }
}

}  // namespace

Tensor detail::conv2d_input(const Tensor& x) {
  const Index C = x.shape()[3], channels = x.backend().conv2d_channels(x.dtype(), C);
  if (channels == C) return x;
  Tensor padded = empty_like(x, {x.shape()[0], x.shape()[1], x.shape()[2], channels});
  x.backend().pad_channels(x, padded);
  return padded;
}

Var conv2d(const Var& x, const Var& weight, const Var& bias, Conv2dParams params, bool relu, const Var& residual) {
  const Shape shape = convolved("conv2d", x, weight, bias, params);
  if (residual.defined()) {
    check_same_kind("conv2d", x, residual);
    CP_ENSURE(residual.shape() == shape, "conv2d: the result has shape ", shape, " but residual ", residual.shape());
  }
  Tensor y = empty_like(x.value(), shape);
  const Tensor other = residual.defined() ? residual.value() : Tensor();
  Convolution c = {x, conv2d_input(x.value()), weight, value_like(x, weight), params};
  x.backend().conv2d(c.input, c.w, value_like(x, bias), other, params, relu, y);

  const Tensor kept = relu ? y : Tensor();    // where y is 0, relu stops the gradient
  if (!weight.requires_grad()) c.input = {};  // which only the weight's gradient needs
  const GradientEdge to_bias = bias, to_residual = residual;
  return Var::from_op("conv2d", y, {x, weight, bias, residual}, [c, to_bias, to_residual, kept](Gradient gradient) {
    const Tensor dy = kept.defined() ? through_relu(kept, std::move(gradient), to_bias) : Tensor(std::move(gradient));
    if (!kept.defined() && to_bias.requires_grad()) {
      Tensor db = Tensor::empty(dy.backend(), to_bias.shape(), parameter_dtype(dy.dtype()));
      dy.backend().sum_to(dy, db);
      to_bias.add_grad(db.cast(to_bias.dtype()));
    }
    to_residual.add_grad(dy);
    add_convolution_grads(c, dy);
  });
}

namespace {

// The images of a batch in groups whose activations, [P, Q, K] for each image, are computed at once.
struct ImageGroups {
  Index images, at_once;
  Shape activations;  // of one image

  ImageGroups(const Tensor& x, const Shape& all, bool differentiated)
      : images(all[0]), at_once(all[0]), activations{all[1], all[2], all[3]} {
    const size_t most = x.backend().piece_bytes(differentiated);
    const size_t each = static_cast<size_t>(activations.size()) * size_of(x.dtype());
    if (most == 0 || each == 0) return;
    // A GPU's kernels need a tensor that begins at a multiple of 16 bytes, which that many images have in any case.
    const Index multiple = x.backend().is_remote() ? 16 : 1;
    const Index largest = std::max<Index>(1, static_cast<Index>(most / each) / multiple) * multiple;
    const Index groups = (images + largest - 1) / largest;
    if (groups <= 1) return;
    at_once = (images + groups - 1) / groups;  // about equal ones
    at_once = (at_once + multiple - 1) / multiple * multiple;
  }
  bool is_one() const { return at_once == images; }
  Shape shape(Index count) const { return {count, activations[0], activations[1], activations[2]}; }
  // fn(first image, number of images)
  template <class Fn>
  void for_each(const Fn& fn) const {
    Index first = 0;
    do {
      const Index count = std::min(at_once, images - first);
      fn(first, count);
      first += count;
    } while (first < images);
  }
};

// The gradients of a convolution whose results were pooled: `small` is the gradient of the maxima, which stand at
// `position`.
void add_grads_below_pool(const Convolution& c, const Tensor& small, const Tensor& position, Pool2dParams pool,
                          const ImageGroups& groups) {
  Backend& backend = small.backend();
  const bool is_one = groups.is_one();
  Tensor dw, dw_of_group, dx;
  if (!is_one && c.weight.requires_grad())
    dw = empty_like(small, c.weight.shape()), dw_of_group = empty_like(dw, dw.shape());
  if (!is_one && c.x.requires_grad()) dx = empty_like(small, c.x.shape());
  groups.for_each([&](Index first, Index count) {
    Tensor dz = empty_like(small, groups.shape(count));
    backend.max_pool2d_grad(rows_of(ConstView(small), first, count), rows_of(ConstView(position), first, count), pool,
                            dz);
    if (is_one) return add_convolution_grads(c, dz);
    if (dw.defined()) {
      backend.conv2d_grad_weight(rows_of(ConstView(c.input), first, count), dz, c.params,
                                 first == 0 ? dw : dw_of_group);
      if (first > 0) backend.add_scaled(1, dw_of_group, dw);
    }
    if (dx.defined()) backend.conv2d_grad_input(dz, c.w, c.params, rows_of(View(dx), first, count));
  });
  if (dw.defined()) c.weight.add_grad(dw.cast(c.weight.dtype()));
  if (dx.defined()) c.x.add_grad(dx);
}

}  // namespace

Var conv2d_relu_max_pool2d(const Var& x, const Var& weight, const Var& bias, Conv2dParams params, Pool2dParams pool) {
  const Shape shape = convolved("conv2d_relu_max_pool2d", x, weight, bias, params);
  const Shape ys = pooled("conv2d_relu_max_pool2d", shape, pool);
  Tensor y = empty_like(x.value(), ys), position;
  const bool differentiated =
      !NoGrad::active() && (x.requires_grad() || weight.requires_grad() || bias.requires_grad());
  if (differentiated) position = Tensor::empty(x.backend(), ys, pool.position_dtype());
  const ImageGroups groups(x.value(), shape, differentiated);
  Convolution c = {x, conv2d_input(x.value()), weight, value_like(x, weight), params};
  const Tensor b = value_like(x, bias);
  groups.for_each([&](Index first, Index count) {
    Backend& backend = x.backend();
    Tensor large = empty_like(x.value(), groups.shape(count));
    backend.conv2d(rows_of(ConstView(c.input), first, count), c.w, b, {}, params, true, large);
    backend.max_pool2d(large, pool, rows_of(View(y), first, count), rows_of(View(position), first, count));
  });
  if (!weight.requires_grad()) c.input = {};
  return Var::from_op("conv2d_relu_max_pool2d", y, {x, weight, bias},
                      [c, to_bias = GradientEdge(bias), pool, groups, y, position](Gradient dy) {
                        const Tensor small = through_relu(y, std::move(dy), to_bias);
                        add_grads_below_pool(c, small, position, pool, groups);
                      });
}

}  // namespace counterpoise
