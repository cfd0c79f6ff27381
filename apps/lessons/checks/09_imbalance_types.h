// What exercise 9 returns: a number for each class, that of class 0 first.
#pragma once

#include <array>

namespace counterpoise {

struct Shares {
  std::array<double, 2> loss = {}, gradient = {};
};

}  // namespace counterpoise
