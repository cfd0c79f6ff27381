// What exercise 15 is given: a network in two parts.
#pragma once

#include <counterpoise/counterpoise.h>

namespace counterpoise {

struct Network {
  Sequential body;  // may contain BatchNorm2d and Dropout; computes [N, features]
  Linear head;      // its weight is [outputs, features], its bias [outputs]
};

}  // namespace counterpoise
