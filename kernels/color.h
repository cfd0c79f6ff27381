// Changes of the color of pixels, written once for every backend: brightness, contrast, saturation, hue.
//
// Each formula takes the red, green and blue of one pixel as levels from 0 to 255, and what it gives is clamped to that
// range. T is float, or a vector of floats with one lane for each pixel. The definitions are those of torchvision's
// adjust_brightness(), adjust_contrast() and so on.
//
// Everything here is plain data and pure functions: safe to use from several threads.
#pragma once

#include <cstdint>

#include "kernels/host_device.h"

namespace counterpoise {

enum class ColorFormula : int32_t {
  none,
  linear,      // a v + b: brightness with b = 0, inversion with -1 and 255
  contrast,    // m + a (v - m), where m is the mean gray of the image before it
  saturation,  // g + a (v - g), where g is the pixel's gray; a = 0 leaves gray alone
  hue,         // turns the hue by a whole turns
  solarize,    // 255 - v where v >= a
};

// A formula with its constants.
struct ColorChange {
  ColorFormula formula = ColorFormula::none;
  float a = 0, b = 0;
};

// Luma of ITU-R BT.601: how bright a color looks.
template <class T>
CP_HD T gray(T r, T g, T b) {
  return 0.299f * r + 0.587f * g + 0.114f * b;
}

namespace detail {

template <class T>
CP_HD T least(T a, T b) {
  return a < b ? a : b;
}
template <class T>
CP_HD T most(T a, T b) {
  return a < b ? b : a;
}
template <class T>
CP_HD T level(T v) {
  return least(most(v, T{}), T{} + 255.0f);
}

// The hue as six sectors around the color wheel, turned, with the value and chroma that the pixel had: channel n, with
// n = 5 for red, 3 for green and 1 for blue, is value - chroma max(0, min(k, 4 - k, 1)) for k = (n + hue) mod 6.
template <class T>
CP_HD void turn_hue(float turns, T& r, T& g, T& b) {
  const T value = most(r, most(g, b)), chroma = value - least(r, least(g, b));
  const T scale = 1.0f / (chroma > T{} ? chroma : T{} + 1.0f);
  T hue = value == r ? (g - b) * scale : value == g ? (b - r) * scale + 2.0f : (r - g) * scale + 4.0f;
  hue = hue + 6.0f * turns;  // from -4 to 8
  hue = hue < T{} ? hue + 6.0f : hue;
  const auto channel = [&](float n) {
    T k = hue + n;  // below 14
    k = k >= T{} + 6.0f ? k - 6.0f : k;
    k = k >= T{} + 6.0f ? k - 6.0f : k;
    return value - chroma * most(T{}, least(least(k, 4.0f - k), T{} + 1.0f));
  };
  r = channel(5), g = channel(3), b = channel(1);
}

}  // namespace detail

// Changes one pixel, or as many as T has lanes. `mean` is the mean gray of the image, which `contrast` alone looks at.
// REQUIRES: for hue, -1/2 <= a <= 1/2.
template <class T>
CP_HD void change_color(const ColorChange& change, float mean, T& r, T& g, T& b) {
  using detail::level;
  const float a = change.a, add = change.b;
  switch (change.formula) {
    case ColorFormula::none:
      break;
    case ColorFormula::linear:
      r = level(a * r + add), g = level(a * g + add), b = level(a * b + add);
      break;
    case ColorFormula::contrast:
      r = level(mean + a * (r - mean)), g = level(mean + a * (g - mean)), b = level(mean + a * (b - mean));
      break;
    case ColorFormula::saturation: {
      const T y = gray(r, g, b);
      r = level(y + a * (r - y)), g = level(y + a * (g - y)), b = level(y + a * (b - y));
      break;
    }
    case ColorFormula::hue:
      detail::turn_hue(a, r, g, b);
      break;
    case ColorFormula::solarize: {
      const T at = T{} + a;
      r = r >= at ? 255.0f - r : r, g = g >= at ? 255.0f - g : g, b = b >= at ? 255.0f - b : b;
      break;
    }
  }
}

}  // namespace counterpoise
