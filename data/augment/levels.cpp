#include "data/augment/levels.h"

#include <algorithm>
#include <cmath>

#include "data/augment/rows.h"

namespace counterpoise::augment {

namespace {

uint8_t clamped(float value) { return uint8_t(std::clamp(value, 0.0f, 255.0f)); }

// A channel's lowest and highest level, first over the columns of the image and then along a row.
struct Extremes {
  std::array<int, 3> low = {255, 255, 255}, high = {0, 0, 0};

  explicit Extremes(const Image& image) {
    const size_t row = size_t(image.width) * 3;
    std::vector<uint8_t> lowest(row, 255), highest(row, 0);
    for (size_t i = 0; i < size_t(image.height); ++i) {
      const uint8_t* levels = image.rgb.data() + i * row;
      for (size_t j = 0; j < row; ++j) {
        lowest[j] = std::min(lowest[j], levels[j]);
        highest[j] = std::max(highest[j], levels[j]);
      }
    }
    for (size_t j = 0; j < row; ++j) {
      low[j % 3] = std::min(low[j % 3], int(lowest[j]));
      high[j % 3] = std::max(high[j % 3], int(highest[j]));
    }
  }
};

}  // namespace

void posterize(Image& image, int bits) {
  check_range("the bits of posterizing", bits, 0, 8);
  each_rows(image, [&](Index begin, Index end) {
    const Index row = Index(image.width) * 3, n = (end - begin) * row;
    const auto kept = uint8_t(0xff00 >> bits);
    uint8_t* levels = image.rgb.data() + begin * row;
    for (Index i = 0; i < n; ++i) levels[i] = uint8_t(levels[i] & kept);
  });
}

void auto_contrast(Image& image) {
  const Extremes extremes(image);
  std::array<Levels, 3> levels;
  for (size_t c = 0; c < 3; ++c) {
    const int low = extremes.low[c], range = extremes.high[c] - low;
    for (int v = 0; v < 256; ++v) {
      // (A division of whole numbers, so that nothing is lost by rounding.)
      levels[c][size_t(v)] = range == 0 ? uint8_t(v) : uint8_t(std::clamp((v - low) * 255 / range, 0, 255));
    }
  }
  look_up(image, levels);
}

void equalize(Image& image) {
  std::array<std::array<int64_t, 256>, 3> counts = {};
  for (size_t i = 0; i + 2 < image.rgb.size(); i += 3) {
    for (size_t c = 0; c < 3; ++c) ++counts[c][image.rgb[i + c]];
  }
  std::array<Levels, 3> levels;
  for (size_t c = 0; c < 3; ++c) {
    const auto highest = std::find_if(counts[c].rbegin(), counts[c].rend(), [](int64_t n) { return n > 0; });
    const int64_t pixels = int64_t(image.height) * image.width;
    const int64_t step = (pixels - (highest == counts[c].rend() ? 0 : *highest)) / 255;
    int64_t lower = 0;
    for (size_t v = 0; v < 256; ++v) {
      levels[c][v] = step == 0 ? uint8_t(v) : uint8_t(std::min<int64_t>((lower + step / 2) / step, 255));
      lower += counts[c][v];
    }
  }
  look_up(image, levels);
}

void adjust_sharpness(Image& image, double factor) {
  check_range("the factor of sharpness", factor, 0, 1000);
  if (factor == 1) return;
  const std::vector<uint8_t> before = image.rgb;
  each_rows(image, [&](Index begin, Index end) {
    const Index row = Index(image.width) * 3;
    const float rest = float(1 - factor);
    for (Index i = std::max<Index>(begin, 1); i < std::min<Index>(end, image.height - 1); ++i) {
      const uint8_t *middle = before.data() + i * row, *above = middle - row, *below = middle + row;
      uint8_t* to = image.rgb.data() + i * row;
      for (Index j = 3; j < row - 3; ++j) {
        const int sum = above[j - 3] + above[j] + above[j + 3] + middle[j - 3] + 5 * middle[j] + middle[j + 3] +
                        below[j - 3] + below[j] + below[j + 3];
        const int smooth = (sum + 6) / 13;  // rounded: no sum is halfway between two levels
        to[j] = clamped(float(middle[j]) + rest * float(smooth - middle[j]));
      }
    }
  });
}

}  // namespace counterpoise::augment
