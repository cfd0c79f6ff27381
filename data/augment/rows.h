// What functions that change the pixels of an image in their places share: the check of a parameter, loops over rows,
// and tables that say what becomes of each level.
//
// All functions are safe to call from any thread on images of its own.
#pragma once

#include <algorithm>
#include <array>

#include "data/images/image.h"
#include "kernels/cpu/parallel.h"
#include "kernels/error.h"

namespace counterpoise::augment {

// Throws Error(invalid_argument) unless low <= value <= high.
inline void check_range(const char* what, double value, double low, double high) {
  CP_ENSURE_AS(invalid_argument, low <= value && value <= high, what, " must be from ", low, " to ", high, ", not ",
               value);
}

// Calls fn(begin, end) on runs of the image's rows.
template <class Fn>
void each_rows(const Image& image, const Fn& fn) {
  parallel_for(image.height, std::max<Index>(1, 4096 / std::max(1, image.width)), fn);
}

// What becomes of each level.
using Levels = std::array<uint8_t, 256>;

// Replaces the levels of each channel by those of its table.
inline void look_up(Image& image, const std::array<Levels, 3>& levels) {
  each_rows(image, [&](Index begin, Index end) {
    uint8_t* pixel = image.rgb.data() + begin * image.width * 3;
    for (Index i = 0; i < (end - begin) * image.width; ++i, pixel += 3) {
      for (size_t c = 0; c < 3; ++c) pixel[c] = levels[c][pixel[c]];
    }
  });
}

}  // namespace counterpoise::augment
