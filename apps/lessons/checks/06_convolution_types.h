// What exercise 6 is given: an image of several channels, and kernels.
#pragma once

#include <vector>

namespace counterpoise {

// The number of a channel at a place is values[(row * width + column) * channels + channel].
struct FeatureMap {
  int height = 0, width = 0, channels = 0;
  std::vector<double> values;
};

// Weight (r, s) of kernel k for a channel is weights[((k * size + r) * size + s) * channels + channel].
struct Kernels {
  int count = 0, size = 0, channels = 0;  // `count` kernels of size x size x channels weights each
  std::vector<double> weights;
  std::vector<double> bias;  // one per kernel
};

}  // namespace counterpoise
