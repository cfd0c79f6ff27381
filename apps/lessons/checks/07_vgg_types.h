// What exercise 7 is given: a network, layer by layer.
#pragma once

#include <cstdint>
#include <vector>

namespace counterpoise {

struct LayerRow {
  enum Kind { convolution, max_pooling, dense } kind;
  int64_t outputs = 0;                      // of a convolution, its channels; of a dense layer; 0 of a pooling
  int64_t kernel = 1, stride = 1, pad = 0;  // of a convolution; the first two of a pooling, too
};

}  // namespace counterpoise
