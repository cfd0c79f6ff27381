#include "data/augment.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "kernels/check.h"

namespace counterpoise {
namespace {

constexpr double turn = 6.283185307179586;

// The place in [0, n-1] of a row of n pixels that place x of the row and its mirror images shows.
float reflect(float x, int n) {
  const float period = 2.0f * n;
  float t = x + 0.5f;  // from the outer edge of the first pixel
  t -= period * std::floor(t / period);
  t = std::min(t, period - t) - 0.5f;
  return std::min(std::max(t, 0.0f), n - 1.0f);
}

using Words = uint32_t __attribute__((vector_size(16)));
using Ints = int32_t __attribute__((vector_size(16)));
using Floats = float __attribute__((vector_size(16)));

// The pixel at `p` and the byte behind it, which is not used. Shifts, because GCC 12 converts a
// vector of bytes one by one.
Floats load(const uint8_t* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap32(word);
#endif
  const Words bytes = (Words{word, word, word, word} >> Words{0, 8, 16, 24}) & 255;
  return __builtin_convertvector((Ints)bytes, Floats);
}

// Bilinear: the pixel at (x, y), which lies in [0, width-1] x [0, height-1].
void sample(const uint8_t* rgb, int height, int width, float x, float y, float* out) {
  const int x0 = static_cast<int>(x), y0 = static_cast<int>(y);
  const float fx = x - x0, fy = y - y0;
  const uint8_t* p = rgb + (static_cast<ptrdiff_t>(y0) * width + x0) * 3;
  const ptrdiff_t row = static_cast<ptrdiff_t>(width) * 3;
  if (x0 + 2 < width && y0 + 1 < height) {  // the fourth byte belongs to the same row
    const Floats a = load(p), b = load(p + 3), c = load(p + row), d = load(p + row + 3);
    const Floats upper = a + fx * (b - a), lower = c + fx * (d - c);
    const Floats pixel = upper + fy * (lower - upper);
    std::memcpy(out, &pixel, 3 * sizeof(float));
    return;
  }
  const ptrdiff_t right = x0 + 1 < width ? 3 : 0, down = y0 + 1 < height ? row : 0;
  for (int c = 0; c < 3; ++c, ++p) {
    const float upper = p[0] + fx * (p[right] - p[0]);
    const float lower = p[down] + fx * (p[down + right] - p[down]);
    out[c] = upper + fy * (lower - upper);
  }
}

void copy(bool flip, const uint8_t* rgb, int height, int width, float* out) {
  const size_t row = static_cast<size_t>(width) * 3;
  if (!flip) {
    std::copy(rgb, rgb + height * row, out);
    return;
  }
  for (int y = 0; y < height; ++y, rgb += row, out += row)
    for (int x = 0; x < width; ++x) std::copy_n(rgb + (width - 1 - x) * 3, 3, out + x * 3);
}

}  // namespace

Augment parse_augment(const std::string& description) {
  const auto require = [&](bool condition) {
    ENSURE_OR(Exit::usage, condition, "unknown augmentation \"", description,
              "\": valid are none, flip, rotate=R and flip,rotate=R with R from 0 to 1, in turns");
  };
  Augment result;
  if (description == "none") return result;
  bool rotates = false;
  for (size_t begin = 0; begin <= description.size();) {
    const size_t end = std::min(description.find(',', begin), description.size());
    const std::string item = description.substr(begin, end - begin);
    begin = end + 1;
    if (item == "flip") {
      require(!result.flip);
      result.flip = true;
      continue;
    }
    require(item.rfind("rotate=", 0) == 0 && !rotates);
    rotates = true;
    const char* last = item.data() + item.size();
    const auto [stop, error] = std::from_chars(item.data() + 7, last, result.rotate);
    require(error == std::errc() && stop == last && result.rotate >= 0 && result.rotate <= 1);
  }
  return result;
}

std::string to_string(const Augment& augment) {
  if (!(augment.rotate > 0)) return augment.flip ? "flip" : "none";
  char digits[32];
  const char* end = std::to_chars(digits, digits + sizeof digits, augment.rotate).ptr;
  return (augment.flip ? "flip,rotate=" : "rotate=") + std::string(digits, end - digits);
}

void rotate(float angle, bool flip, const uint8_t* rgb, int height, int width, float* out) {
  ENSURE(height > 0 && width > 0, "rotate: impossible size ", width, " x ", height);
  if (angle == 0) return copy(flip, rgb, height, width, out);
  // From a pixel of the result to its place in the picture, both about the centre. With y downwards
  // this turns the picture counter-clockwise.
  const double cosine = std::cos(double{angle}), sine = std::sin(double{angle});
  const double cx = (width - 1) * 0.5, cy = (height - 1) * 0.5;
  const float dx = static_cast<float>(flip ? -cosine : cosine), dy = static_cast<float>(sine);
  for (int y = 0; y < height; ++y) {
    // The place of this row's middle, from where float steps in both directions stay exact enough.
    const double across = -sine * (y - cy);
    const float mx = static_cast<float>(cx + (flip ? -across : across));
    const float my = static_cast<float>(cy + cosine * (y - cy));
    for (int x = 0; x < width; ++x, out += 3) {
      const float t = x - static_cast<float>(cx);
      float u = mx + t * dx, v = my + t * dy;
      if (!(u >= 0 && u <= width - 1)) u = reflect(u, width);
      if (!(v >= 0 && v <= height - 1)) v = reflect(v, height);
      sample(rgb, height, width, u, v, out);
    }
  }
}

void augment(const Augment& augment, Random& rng, const uint8_t* rgb, int height, int width, float* out) {
  const bool flip = rng.uniform() < 0.5f;
  const float angle = rng.uniform(-augment.rotate, augment.rotate) * static_cast<float>(turn);
  rotate(angle, flip && augment.flip, rgb, height, width, out);
}

}  // namespace counterpoise
