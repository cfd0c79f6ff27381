// Every elementwise formula, written once: its value f and, beside it, its derivative df.
// The loops of every backend are instantiated from these lines, so that what a test proves of one backend's formula
// holds for all.
//
// A unary formula has up to two constants a and b. Its derivative gets both the input x and the value y = f(x), and
// uses whichever is simpler. At a kink the derivative is PyTorch's, but for clamp at its bounds, where that of PyTorch
// 2.15 is 0. Formulas are pure functions, safe to call from any thread.
#pragma once

#include <cmath>
#include <cstdint>

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

// clang-format on

// Calls fn(Formula(), T()) with the struct that a name stands for and the C++ type of a floating dtype.
template <class Op, class Fn>
void with_formula(const Op& op, DType dtype, const Fn& fn) {
  dispatch_floating(dtype, [&](auto zero) { with_formula(op, [&](const auto& formula) { fn(formula, zero); }); });
}

}  // namespace counterpoise
