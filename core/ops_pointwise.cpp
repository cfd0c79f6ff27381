#include "core/ops.h"
#include "core/ops_check.h"

namespace counterpoise {

using namespace detail;

namespace {

Var unary(const char* name, Unary op, const Var& x, double a = 0, double b = 0) {
  check_floating(name, x);
  Tensor y = empty_like(x.value(), x.shape());
  x.backend().unary(op, a, b, x.value(), y);
  return Var::from_op(name, y, {x}, [op, a, b, x, y](Tensor dy) {
    Tensor dx = dy.unique() ? dy : empty_like(y, y.shape());
    y.backend().unary_grad(op, a, b, x.value(), y, dy, dx);
    x.add_grad(dx);
  });
}

Var binary(const char* name, Binary op, const Var& a, const Var& b) {
  check_same_kind(name, a, b);
  Tensor y = empty_like(a.value(), broadcast(a.shape(), b.shape(), name));
  a.backend().binary(op, a.value(), b.value(), y);
  return Var::from_op(name, y, {a, b}, [op, a, b](Tensor dy) {
    for (const bool wrt_a : {true, false}) {
      const Var& operand = wrt_a ? a : b;
      if (!operand.requires_grad()) continue;
      Tensor d = empty_like(dy, dy.shape());
      dy.backend().binary_grad(op, wrt_a, a.value(), b.value(), dy, d);
      operand.add_grad(sum_to(d, operand.shape()));
    }
  });
}

}  // namespace

Var affine(const Var& x, double a, double b) { return unary("affine", Unary::affine, x, a, b); }
Var relu(const Var& x) { return unary("relu", Unary::relu, x); }
Var sigmoid(const Var& x) { return unary("sigmoid", Unary::sigmoid, x); }
Var tanh(const Var& x) { return unary("tanh", Unary::tanh, x); }
Var softplus(const Var& x) { return unary("softplus", Unary::softplus, x); }
Var log_sigmoid(const Var& x) { return -softplus(-x); }
Var exp(const Var& x) { return unary("exp", Unary::exp, x); }
Var log(const Var& x) { return unary("log", Unary::log, x); }
Var log1p(const Var& x) { return unary("log1p", Unary::log1p, x); }
Var expm1(const Var& x) { return unary("expm1", Unary::expm1, x); }
Var sqrt(const Var& x) { return unary("sqrt", Unary::sqrt, x); }
Var square(const Var& x) { return unary("square", Unary::square, x); }
Var abs(const Var& x) { return unary("abs", Unary::abs, x); }
Var pow(const Var& x, double exponent) { return unary("pow", Unary::pow, x, exponent); }
Var clamp(const Var& x, double low, double high) {
  CP_ENSURE(low <= high, "clamp: the lower bound ", low, " is above the upper bound ", high);
  return unary("clamp", Unary::clamp, x, low, high);
}

Var operator+(const Var& a, const Var& b) { return binary("add", Binary::add, a, b); }
Var operator-(const Var& a, const Var& b) { return binary("sub", Binary::sub, a, b); }
Var operator*(const Var& a, const Var& b) { return binary("mul", Binary::mul, a, b); }
Var operator/(const Var& a, const Var& b) { return binary("div", Binary::div, a, b); }
Var operator/(double a, const Var& x) {
  check_floating("div", x);
  return Tensor::full(x.backend(), {}, a, x.value().dtype()) / x;
}
Var maximum(const Var& a, const Var& b) { return binary("maximum", Binary::maximum, a, b); }
Var minimum(const Var& a, const Var& b) { return binary("minimum", Binary::minimum, a, b); }

}  // namespace counterpoise
