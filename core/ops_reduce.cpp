#include "core/ops.h"
#include "core/ops_check.h"

namespace counterpoise {

using namespace detail;

Tensor tensor_like(const Var& x, const Shape& shape, const std::vector<double>& numbers) {
  return Tensor::from(x.backend(), shape, numbers).cast(x.value().dtype());
}

Var detail::casted(const Var& x, const Tensor& y) {
  return Var::from_op("cast", y, {x}, [to = GradientEdge(x)](Tensor dy) { to.add_grad(dy.cast(to.dtype())); });
}

Var cast(const Var& x, DType dtype) {
  check_floating("cast", x);
  CP_ENSURE(is_floating(dtype), "cast: ", name(dtype), " is none of f32, f64 and bf16");
  return dtype == x.value().dtype() ? x : detail::casted(x, x.value().cast(dtype));
}

Var reshape(const Var& x, const Shape& shape) {
  check_defined("reshape", x);
  return Var::from_op("reshape", x.value().reshape(shape), {x},
                      [to = GradientEdge(x)](Tensor dy) { to.add_grad(dy.reshape(to.shape())); });
}

Var flatten(const Var& x) {
  check_defined("flatten", x);
  CP_ENSURE(x.shape().rank() >= 1, "flatten: x must have a first axis of samples");
  const Index N = x.shape()[0];
  Index rest = 1;
  for (int axis = 1; axis < x.shape().rank(); ++axis) rest *= x.shape()[axis];
  return reshape(x, {N, rest});
}

Var sum_to(const Var& x, const Shape& shape) {
  check_floating("sum_to", x);
  return Var::from_op("sum_to", sum_to(x.value(), shape), {x},
                      [to = GradientEdge(x)](Tensor dy) { to.add_grad(expand(dy, to.shape())); });
}

Var sum(const Var& x) { return sum_to(x, Shape{}); }

Var row_sum(const Var& x) {
  check_floating("row_sum", x);
  if (x.shape().rank() == 1) return x;
  check_rank("row_sum", "x", x, 2, "[N, K]");
  return reshape(sum_to(x, {x.shape()[0], 1}), {x.shape()[0]});
}

Var mean(const Var& x) {
  check_floating("mean", x);
  CP_ENSURE(x.value().size() > 0, "mean: there are no elements, shape ", x.shape());
  return sum(x) * (1.0 / static_cast<double>(x.value().size()));
}

Var log_softmax(const Var& x) {
  check_rank("log_softmax", "x", x, 2, "[N, K]");
  CP_ENSURE(x.shape()[1] > 0, "log_softmax: no classes, shape ", x.shape());
  Tensor y = empty_like(x.value(), x.shape());
  x.backend().log_softmax(x.value(), y);
  return Var::from_op("log_softmax", y, {x}, [to = GradientEdge(x), y](Tensor dy) {
    Tensor dx = empty_like(y, y.shape());
    y.backend().log_softmax_grad(y, dy, dx);
    to.add_grad(dx);
  });
}

Var softmax(const Var& x) { return exp(log_softmax(x)); }

Var gather(const Var& x, const Tensor& index) {
  check_rank("gather", "x", x, 2, "[N, K]");
  CP_ENSURE(index.dtype() == DType::i32 && index.shape() == Shape{x.shape()[0]}, "gather: index must be i32 [",
            x.shape()[0], "] but is ", name(index.dtype()), " ", index.shape());
  CP_ENSURE(&index.backend() == &x.backend(), "gather: x is on ", x.backend().name(), ", index on ",
            index.backend().name(), "; move one with to()");
  if (!index.backend().is_remote()) {  // a check would have to wait; a remote kernel gives NaN instead
    for (const int32_t i : index.to_vector<int32_t>()) {
      CP_ENSURE(0 <= i && i < x.shape()[1], "gather: label ", i, " is not one of the ", x.shape()[1], " classes");
    }
  }
  Tensor y = empty_like(x.value(), index.shape());
  x.backend().gather(x.value(), index, y);
  return Var::from_op("gather", y, {x}, [to = GradientEdge(x), index](Tensor dy) {
    Tensor dx = empty_like(dy, to.shape());
    dy.backend().gather_grad(dy, index, dx);
    to.add_grad(dx);
  });
}

Var dropout(const Var& x, double p, uint64_t key, uint64_t stream) {
  check_floating("dropout", x);
  CP_ENSURE(0 <= p && p <= 1, "dropout: p = ", p, " is not in [0, 1]");
  if (p == 0) return x;
  if (p == 1) return 0 * x;
  Tensor y = empty_like(x.value(), x.shape());
  x.backend().dropout(x.value(), p, key, stream, y);
  return Var::from_op("dropout", y, {x}, [to = GradientEdge(x), p, key, stream](Tensor dy) {
    Tensor dx = empty_like(dy, dy.shape());
    dy.backend().dropout(dy, p, key, stream, dx);
    to.add_grad(dx);
  });
}

}  // namespace counterpoise
