// Every elementwise formula, written once: its value f and, beside it, its derivative df; and the optimizers' updates.
// The loops of every backend are instantiated from these lines, so that what a test proves of one backend's formula
// holds for all.
//
// A unary formula has up to two constants a and b. Its derivative gets both the input x and the value y = f(x), and
// uses whichever is simpler. At a kink the derivative is PyTorch's. Formulas are pure functions, safe to call from any
// thread.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

#include "kernels/host_device.h"
#include "kernels/view.h"

namespace counterpoise {

// clang-format off

namespace formula {

// a x + b
struct Affine {
  template <class T> CP_HD static T f(T x, T a, T b) { return a * x + b; }
  template <class T> CP_HD static T df(T, T, T a, T) { return a; }
};
// max(x, 0); its slope at 0 is 0. NaN stays NaN, so that a diverged run is noticed. f(x) and masked() also take the
// vectors of kernels/cpu/simd.h, lane by lane: hence T{} for 0.
struct Relu {
  template <class T> CP_HD static T f(T x) { return x < T{} ? T{} : x; }
  template <class T> CP_HD static T f(T x, T, T) { return f(x); }
  template <class T> CP_HD static T df(T x, T, T, T) { return x > T(0) ? T(1) : T(0); }
  // The gradient with respect to x from that with respect to y, dy, and y = f(x): dy where y > 0, else 0.
  template <class T> CP_HD static T masked(T y, T dy) { return y > T{} ? dy : T{}; }
};
struct Sigmoid {  // 1 / (1 + e^-x), with e^-|x| so that nothing overflows
  template <class T> CP_HD static T f(T x, T, T) {
    const T e = std::exp(-std::fabs(x));
    return x >= T(0) ? T(1) / (T(1) + e) : e / (T(1) + e);
  }
  // y (1 - y), but from e^-|x|: 1 - y is 0 in floating point long before the slope is.
  template <class T> CP_HD static T df(T x, T, T, T) {
    const T e = std::exp(-std::fabs(x));
    return e / ((T(1) + e) * (T(1) + e));
  }
};
struct Tanh {
  template <class T> CP_HD static T f(T x, T, T) { return std::tanh(x); }
  template <class T> CP_HD static T df(T, T y, T, T) { return T(1) - y * y; }
};
struct Softplus {  // log(1 + e^x) = max(x, 0) + log1p(e^-|x|)
  template <class T> CP_HD static T f(T x, T, T) { return (x > T(0) ? x : T(0)) + std::log1p(std::exp(-std::fabs(x))); }
  template <class T> CP_HD static T df(T x, T, T, T) { return Sigmoid::f(x, T(0), T(0)); }
};
struct Exp {
  template <class T> CP_HD static T f(T x, T, T) { return std::exp(x); }
  template <class T> CP_HD static T df(T, T y, T, T) { return y; }
};
struct Log {
  template <class T> CP_HD static T f(T x, T, T) { return std::log(x); }
  template <class T> CP_HD static T df(T x, T, T, T) { return T(1) / x; }
};
struct Log1p {  // log(1 + x), accurate for small x
  template <class T> CP_HD static T f(T x, T, T) { return std::log1p(x); }
  template <class T> CP_HD static T df(T x, T, T, T) { return T(1) / (T(1) + x); }
};
struct Expm1 {  // e^x - 1, accurate for small x
  template <class T> CP_HD static T f(T x, T, T) { return std::expm1(x); }
  template <class T> CP_HD static T df(T, T y, T, T) { return y + T(1); }
};
struct Sqrt {
  template <class T> CP_HD static T f(T x, T, T) { return std::sqrt(x); }
  template <class T> CP_HD static T df(T, T y, T, T) { return T(0.5) / y; }
};
struct Square {
  template <class T> CP_HD static T f(T x, T, T) { return x * x; }
  template <class T> CP_HD static T df(T x, T, T, T) { return T(2) * x; }
};
struct Abs {  // its slope at 0 is 0
  template <class T> CP_HD static T f(T x, T, T) { return std::fabs(x); }
  template <class T> CP_HD static T df(T x, T, T, T) { return x > T(0) ? T(1) : x < T(0) ? T(-1) : T(0); }
};
struct Pow {  // x^a
  template <class T> CP_HD static T f(T x, T a, T) { return std::pow(x, a); }
  template <class T> CP_HD static T df(T x, T, T a, T) { return a == T(0) ? T(0) : a * std::pow(x, a - T(1)); }
};
struct Clamp {  // x clamped to [a, b]; its slope is 1 inside and at the bounds
  template <class T> CP_HD static T f(T x, T a, T b) { return x < a ? a : x > b ? b : x; }
  template <class T> CP_HD static T df(T x, T, T a, T b) { return x < a || x > b ? T(0) : T(1); }
};

// A binary formula has the derivatives da and db with respect to its two inputs.
struct Add {
  template <class T> CP_HD static T f(T a, T b) { return a + b; }
  template <class T> CP_HD static T da(T, T) { return T(1); }
  template <class T> CP_HD static T db(T, T) { return T(1); }
};
struct Sub {
  template <class T> CP_HD static T f(T a, T b) { return a - b; }
  template <class T> CP_HD static T da(T, T) { return T(1); }
  template <class T> CP_HD static T db(T, T) { return T(-1); }
};
struct Mul {
  template <class T> CP_HD static T f(T a, T b) { return a * b; }
  template <class T> CP_HD static T da(T, T b) { return b; }
  template <class T> CP_HD static T db(T a, T) { return a; }
};
struct Div {
  template <class T> CP_HD static T f(T a, T b) { return a / b; }
  template <class T> CP_HD static T da(T, T b) { return T(1) / b; }
  template <class T> CP_HD static T db(T a, T b) { return -a / (b * b); }
};
struct Maximum {  // where both are equal each gets half of the gradient; NaN stays NaN
  template <class T> CP_HD static T f(T a, T b) { return a > b || a != a ? a : b; }
  template <class T> CP_HD static T da(T a, T b) { return a > b ? T(1) : a < b ? T(0) : T(0.5); }
  template <class T> CP_HD static T db(T a, T b) { return da(b, a); }
};
struct Minimum {
  template <class T> CP_HD static T f(T a, T b) { return a < b || a != a ? a : b; }
  template <class T> CP_HD static T da(T a, T b) { return a < b ? T(1) : a > b ? T(0) : T(0.5); }
  template <class T> CP_HD static T db(T a, T b) { return da(b, a); }
};

}  // namespace formula

// The formulas' names in the Backend interface. A new formula is a struct above, a name here and a case below;
// core/ops.h and core/ops_pointwise.cpp then make an operation of it.
enum class Unary { affine, relu, sigmoid, tanh, softplus, exp, log, log1p, expm1, sqrt, square, abs, pow, clamp };
enum class Binary { add, sub, mul, div, maximum, minimum };

// Calls fn(Formula()) with the struct that a name stands for.
template <class Fn>
void with_formula(Unary op, const Fn& fn) {
  switch (op) {
    case Unary::affine: return fn(formula::Affine());
    case Unary::relu: return fn(formula::Relu());
    case Unary::sigmoid: return fn(formula::Sigmoid());
    case Unary::tanh: return fn(formula::Tanh());
    case Unary::softplus: return fn(formula::Softplus());
    case Unary::exp: return fn(formula::Exp());
    case Unary::log: return fn(formula::Log());
    case Unary::log1p: return fn(formula::Log1p());
    case Unary::expm1: return fn(formula::Expm1());
    case Unary::sqrt: return fn(formula::Sqrt());
    case Unary::square: return fn(formula::Square());
    case Unary::abs: return fn(formula::Abs());
    case Unary::pow: return fn(formula::Pow());
    case Unary::clamp: return fn(formula::Clamp());
  }
}
template <class Fn>
void with_formula(Binary op, const Fn& fn) {
  switch (op) {
    case Binary::add: return fn(formula::Add());
    case Binary::sub: return fn(formula::Sub());
    case Binary::mul: return fn(formula::Mul());
    case Binary::div: return fn(formula::Div());
    case Binary::maximum: return fn(formula::Maximum());
    case Binary::minimum: return fn(formula::Minimum());
  }
}

// The optimizers' updates. An update changes one weight w by its gradient g and the numbers that the optimizer keeps
// for that weight, its state: zeros at first, `states` of them. before_step(t) is called before step t = 1, 2, ... of
// the weights that the update is then applied to.
namespace formula {

// Stochastic gradient descent with momentum as PyTorch does it (Sutskever et al. 2013, with the learning rate outside
// the velocity v):  g += decay w;  v = momentum v + g;  w -= lr (nesterov ? g + momentum v : v).
struct Sgd {
  static constexpr int states = 1;
  double lr, momentum = 0, weight_decay = 0;
  bool nesterov = false;
  void before_step(int64_t) {}
  template <class T> CP_HD void operator()(T& w, T g, T& v) const {
    g += T(weight_decay) * w;
    v = T(momentum) * v + g;
    w -= T(lr) * (nesterov ? g + T(momentum) * v : v);
  }
};

// Adam, Kingma and Ba 2015 (arXiv:1412.6980) algorithm 1; with `decoupled` AdamW, Loshchilov and Hutter 2019
// (arXiv:1711.05101) algorithm 2.
struct Adam {
  static constexpr int states = 2;
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;
  double correction1 = 1, correction2 = 1;  // of the moments' bias at step t: 1 - beta1^t and 1 - beta2^t
  void before_step(int64_t t) {
    correction1 = 1 - std::pow(beta1, static_cast<double>(t));
    correction2 = 1 - std::pow(beta2, static_cast<double>(t));
  }
  template <class T> CP_HD void operator()(T& w, T g, T& m, T& v) const {
    if (decoupled) w -= T(lr * weight_decay) * w;
    else g += T(weight_decay) * w;
    m = T(beta1) * m + T(1 - beta1) * g;
    v = T(beta2) * v + T(1 - beta2) * g * g;
    w -= T(lr / correction1) * m / (std::sqrt(v) / T(std::sqrt(correction2)) + T(eps));
  }
};

// An exponential moving average w of numbers g (Polyak and Juditsky 1992): w = (1 - lr) w + lr g.
struct Average {
  static constexpr int states = 0;
  double lr;
  void before_step(int64_t) {}
  template <class T> CP_HD void operator()(T& w, T g) const { w = T(1 - lr) * w + T(lr) * g; }
};

}  // namespace formula

// An update in the Backend interface. A new one is a struct above and its name here; a row in optim/optimizer.cpp then
// makes an optimizer of it.
using Update = std::variant<formula::Sgd, formula::Adam, formula::Average>;

template <class Fn>
void with_formula(const Update& update, const Fn& fn) { std::visit(fn, update); }

// The update of weight i, whose gradient is g and whose state is s[0][i], s[1][i], ...
template <class Formula, class T, size_t... k>
CP_HD void update_weight(const Formula& formula, T* w, T g, [[maybe_unused]] T* const* s, Index i,
                         std::index_sequence<k...>) {
  formula(w[i], g, s[k][i]...);
}
template <class Formula, class T>
CP_HD void update_weight(const Formula& formula, T* w, T g, T* const* s, Index i) {
  update_weight(formula, w, g, s, i, std::make_index_sequence<Formula::states>());
}

// Clipping gradients by their norm (Pascanu et al. 2013, arXiv:1211.5063 algorithm 1): all are multiplied by this, where
// `squares` is the sum of their squares. The 1e-6 is PyTorch's, in clip_grad_norm_().
CP_HD inline double clip_factor(double squares, double max_norm) {
  const double factor = max_norm / (std::sqrt(squares) + 1e-6);
  return factor < 1 ? factor : 1;
}

// Whether none of n numbers is NaN or infinite: for those, x - x is NaN.
CP_HD inline bool all_finite(const double* x, Index n) {
  for (Index i = 0; i < n; ++i) {
    if (!(x[i] - x[i] == 0)) return false;
  }
  return true;
}

// clang-format on

// Calls fn(Formula(), T()) with the struct that a name stands for and the C++ type of a floating dtype.
template <class Op, class Fn>
void with_formula(const Op& op, DType dtype, const Fn& fn) {
  dispatch_floating(dtype, [&](auto zero) { with_formula(op, [&](const auto& formula) { fn(formula, zero); }); });
}

}  // namespace counterpoise
