#include "data/images/augment.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "kernels/error.h"
#include "kernels/image_transform.h"

namespace counterpoise {
namespace {

constexpr double whole_turn = 6.283185307179586;

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

// sample_bilinear() of kernels/image_transform.h, with the channels of a pixel in one vector.
void sample(const uint8_t* rgb, int height, int width, float x, float y, float* out) {
  const int x0 = static_cast<int>(x), y0 = static_cast<int>(y);
  const float fx = x - x0, fy = y - y0;
  if (x0 + 2 < width && y0 + 1 < height) {  // the fourth byte belongs to the same row
    const ptrdiff_t row = static_cast<ptrdiff_t>(width) * 3;
    const uint8_t* p = rgb + y0 * row + ptrdiff_t{3} * x0;
    const Floats a = load(p), b = load(p + 3), c = load(p + row), d = load(p + row + 3);
    const Floats upper = a + fx * (b - a), lower = c + fx * (d - c);
    const Floats pixel = upper + fy * (lower - upper);
    std::memcpy(out, &pixel, 3 * sizeof(float));
    return;
  }
  sample_bilinear(rgb, height, width, x, y, out);
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
    CP_ENSURE_AS(invalid_argument, condition, "unknown augmentation \"", description,
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
  CP_ENSURE(height > 0 && width > 0, "rotate: impossible size ", width, " x ", height);
  if (angle == 0) return copy(flip, rgb, height, width, out);
  const double cosine = std::cos(double{angle}), sine = std::sin(double{angle});
  for (int y = 0; y < height; ++y) {
    const RotatedRow row(cosine, sine, flip, height, width, y);
    for (int x = 0; x < width; ++x, out += 3) {
      float u, v;
      row.place(x, u, v);
      sample(rgb, height, width, u, v, out);
    }
  }
}

FlipRotation draw_flip_rotation(const Augment& augment, Random& rng) {
  const bool flip = rng.uniform() < 0.5f;
  const float angle = rng.uniform(-augment.rotate, augment.rotate) * static_cast<float>(whole_turn);
  return {angle, flip && augment.flip};
}

void augment(const Augment& augment, Random& rng, const uint8_t* rgb, int height, int width, float* out) {
  const FlipRotation turn = draw_flip_rotation(augment, rng);
  rotate(turn.angle, turn.flip, rgb, height, width, out);
}

}  // namespace counterpoise
