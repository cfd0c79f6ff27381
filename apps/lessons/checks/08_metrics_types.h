// What exercise 8 is given and returns.
#pragma once

#include <cstdint>

namespace counterpoise {

struct Counts {
  int64_t tn = 0, fp = 0, fn = 0, tp = 0;
};

struct Metrics {
  double accuracy = 0, precision = 0, recall = 0, f1 = 0;
};

}  // namespace counterpoise
