// What exercise 5 is given: what Adam remembers from step to step.
#pragma once

#include <vector>

namespace counterpoise {

struct AdamState {
  int t = 0;                 // how many steps were made
  std::vector<double> m, v;  // the means of the gradients and of their squares, one of each per weight; 0 at first
};

}  // namespace counterpoise
