// Images mirrored and turned about their center, from bytes to floats: the formula, once for every backend.
//
// A pixel of the result is read at its place in the image, bilinearly between the four pixels around it; what lies
// outside is the image mirrored at its edges, d c b a | a b c d | d c b a.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/host_device.h"

namespace counterpoise {

// Bytes as the networks see them: within [-1, 1], as in the lectures.
CP_HD inline float scale_pixel(float byte) { return byte / 127.5f - 1.f; }

// The place in [0, n-1] of a row of n pixels that place x of the row and its mirror images show.
CP_HD inline float reflect(float x, int n) {
  const float period = 2.0f * n;
  float t = x + 0.5f;  // from the outer edge of the first pixel
  t -= period * std::floor(t / period);
  t = (t < period - t ? t : period - t) - 0.5f;
  t = t > 0.0f ? t : 0.0f;
  return t < n - 1.0f ? t : n - 1.0f;
}

// Bilinear: the pixel of rgb [height, width, 3] at (u, v), which lies in [0, width-1] x [0, height-1].
CP_HD inline void sample_bilinear(const uint8_t* rgb, int height, int width, float u, float v, float* out) {
  const int x = static_cast<int>(u), y = static_cast<int>(v);
  const float fx = u - x, fy = v - y;
  const uint8_t* p = rgb + (static_cast<int64_t>(y) * width + x) * 3;
  const int right = x + 1 < width ? 3 : 0, down = y + 1 < height ? width * 3 : 0;
  for (int c = 0; c < 3; ++c, ++p) {
    const float upper = p[0] + fx * (p[right] - p[0]);
    const float lower = p[down] + fx * (p[down + right] - p[down]);
    out[c] = upper + fy * (lower - upper);
  }
}

// A row of the result: where each of its pixels is found in the image, which is mirrored first where `flip`, and
// turned counter-clockwise (y points downwards) by the angle of that cosine and sine.
class RotatedRow {
 public:
  CP_HD RotatedRow(double cosine, double sine, bool flip, int height, int width, int row)
      : height_(height), width_(width) {
    const double cx = (width - 1) * 0.5, cy = (height - 1) * 0.5;
    // The place of this row's middle, from where float steps in both directions stay exact enough.
    const double across = -sine * (row - cy);
    cx_ = static_cast<float>(cx);
    mx_ = static_cast<float>(cx + (flip ? -across : across));
    my_ = static_cast<float>(cy + cosine * (row - cy));
    dx_ = static_cast<float>(flip ? -cosine : cosine);
    dy_ = static_cast<float>(sine);
  }

  CP_HD void place(int column, float& u, float& v) const {
    const float t = column - cx_;
    u = mx_ + t * dx_;
    v = my_ + t * dy_;
    if (!(u >= 0 && u <= width_ - 1)) u = reflect(u, width_);
    if (!(v >= 0 && v <= height_ - 1)) v = reflect(v, height_);
  }
  // The pixel, 0 to 255 in each channel.
  CP_HD void sample(const uint8_t* rgb, int column, float* out) const {
    float u, v;
    place(column, u, v);
    sample_bilinear(rgb, height_, width_, u, v, out);
  }

 private:
  int height_, width_;
  float cx_, mx_, my_, dx_, dy_;
};

}  // namespace counterpoise
