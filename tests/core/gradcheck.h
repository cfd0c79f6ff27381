// Are the gradients right? Finite differences in double say so.
//
// A gradient is compared with what it means: move one number of an input by h up and down, and see
// how much the output changes. A result with many numbers becomes one by a dot product with fixed
// random weights, so that rows which add up to 1 and the like cannot hide an error.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/ops.h"

namespace counterpoise {

struct Gradcheck {
  double error = 0;   // the largest |difference - gradient|, relative to the largest |gradient|
  std::string where;  // the number that it belongs to
};

// Compares the gradients of f() with respect to the leaves `wrt`, all of them f64, with central
// differences (f(x + h) - f(x - h)) / 2h, h = 1e-5 max(1, |x|). f must read the leaves at every
// call and give the same result for the same values. Of each leaf at most `most` numbers are moved,
// drawn at random. A right gradient has an error far below 1e-6, a wrong one has about 1.
Gradcheck gradcheck(const std::function<Var()>& f, const std::vector<Var>& wrt, Index most = 400);

// The largest |a - b|, relative to the largest |b|, but at least to `floor`. Infinite for unequal
// lengths and where one of two numbers is NaN.
double deviation(const std::vector<double>& a, const std::vector<double>& b, double floor = 0.01);

// The numbers of a tensor as doubles; none of an undefined one.
std::vector<double> numbers(const Tensor& x);

// Weights for the dot product: fixed by the shape, between 0.5 and 1.5 and of either sign.
Tensor output_weights(const Tensor& like);

// The dot product of y with its weights.
Var weighted_sum(const Var& y);

// Whether `action` throws an Error with this code whose message is one line and holds all the
// words.
bool fails(ErrorKind kind, const std::vector<std::string>& words, const std::function<void()>& action);

}  // namespace counterpoise
