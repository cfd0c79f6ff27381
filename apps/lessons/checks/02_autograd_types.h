// What exercise 2 is given: a computation, written down step by step.
#pragma once

#include <cstddef>

namespace counterpoise {

// A step: its result is number `a` plus or times number `b`, or the hyperbolic tangent of number `a`.
struct Operation {
  enum Kind { plus, times, tanh } kind;
  size_t a, b;
};

}  // namespace counterpoise
