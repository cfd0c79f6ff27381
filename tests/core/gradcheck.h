// Checks gradients by finite differences in double.
//
// A gradient is compared with its definition: change one number of an input by h up and down, and measure how much the
// output changes. A result of many numbers is reduced to one by a dot product with fixed random weights, so that rows
// that add up to 1 and the like cannot hide an error.
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

// Compares the gradients of f() with respect to the leaves `wrt`, all of them f64, with central differences
// (f(x + h) - f(x - h)) / 2h, h = 1e-5 max(1, |x|). f must read the leaves at every call and give the same result for
// the same values. Of each leaf at most `most` numbers, chosen at random, are changed. A correct gradient has an error
// far below 1e-6, a wrong one about 1.
Gradcheck gradcheck(const std::function<Var()>& f, const std::vector<Var>& wrt, Index most = 400);

// The largest |a - b|, relative to the largest |b|, but at least to `floor`. Infinite for unequal lengths and if one of
// two numbers is NaN.
double deviation(const std::vector<double>& a, const std::vector<double>& b, double floor = 0.01);

// The numbers of a tensor as doubles; none of an undefined one.
std::vector<double> numbers(const Tensor& x);

// Weights for the dot product: fixed by the shape, between 0.5 and 1.5 and of either sign.
Tensor output_weights(const Tensor& like);

// The dot product of y with its weights.
Var weighted_sum(const Var& y);

// Whether `action` throws an Error of this kind whose message is one line and contains all the words.
bool fails(ErrorKind kind, const std::vector<std::string>& words, const std::function<void()>& action);

}  // namespace counterpoise
