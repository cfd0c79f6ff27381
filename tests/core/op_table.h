// The table of operations: what the tests know of each function in core/ops.h. A new operation needs a row here and
// nothing else to be tested on every backend; without one the tests fail.
//
// Finite differences and rounding mislead where a function has a kink: relu at 0, equal numbers in the window of a
// max-pooling. So inputs are generated such that no kink is near, by construction and not by luck: see Input::Draw.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/ops.h"

namespace counterpoise {

struct Input {
  enum Draw {
    normal,        // standard normal, times `scale`
    positive,      // uniform between 0.5 and 2
    apart,         // a shuffled grid of step 1/32: no two alike, none nearer than 1/128 to a multiple
    apart_beside,  // the same between the numbers of `apart`, for the other operand
    odd,           // small odd integers times `scale`: sums of an odd number of products are not 0
  };
  Shape shape;
  Draw draw = normal;
  double scale = 1;
};

using Inputs = const std::vector<Var>&;

struct OpRow {
  std::string name;  // as in ops.h; an operator with its operands: "operator-(Var, double)"
  std::string what;  // which case
  std::vector<Input> inputs;
  std::function<Var(Inputs)> f;
};

const std::vector<OpRow>& op_table();

// Numbers for an input, the same at every call. They are floats, so that all dtypes get the same.
std::vector<float> draw(const Input& input, uint64_t index);

}  // namespace counterpoise
