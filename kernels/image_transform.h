// Augmentation of an image, from bytes to floats: the formulas, written once for every backend.
//
// An affine map gives the position in the image at which a pixel of the result is read, by bilinear interpolation
// between the four pixels around it. Outside, the image is mirrored at its edges, d c b a | a b c d | d c b a, or
// black. Pixel formulas then change its color, and scale_pixel() scales it to the range of the networks.
//
// Everything here is plain data and pure functions: safe to use from several threads.
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/error.h"
#include "kernels/host_device.h"

namespace counterpoise {

// Bytes as the networks see them: within [-1, 1], as in the lectures.
CP_HD inline float scale_pixel(float byte) { return byte / 127.5f - 1.f; }

// The formulas that change a pixel on its own: a name here and a case below.
enum class PixelFormula : int32_t { none };

// Changes rgb, three channels from 0 to 255, by a formula with the constants a and b.
CP_HD inline void apply_formula(PixelFormula formula, float a, float b, float* rgb) {
  switch (formula) {
    case PixelFormula::none:
      break;
  }
  (void)a, (void)b, (void)rgb;
}

// The transform of one image: where each pixel of the result is read, and how its color is then changed.
struct ImageTransform {
  struct Pixel {
    PixelFormula formula = PixelFormula::none;
    float a = 0, b = 0;
  };
  // What lies outside the image.
  enum class Border : int32_t {
    mirror,  // d c b a | a b c d | d c b a, as SciPy's "reflect"
    zero,    // black, 0 0 | a b c d | 0 0, as torchvision's RandomCrop pads; between an edge pixel and it, a blend
  };
  static constexpr int max_formulas = 8;

  // With t = column - cx and s = row - cy, the distance in pixels from the center ((width - 1) / 2, (height - 1) / 2),
  // the pixel of the result is found at
  //   u = cx + map[0][0] t + map[0][1] s + map[0][2]      columns
  //   v = cy + map[1][0] t + map[1][1] s + map[1][2]      rows, which count downwards
  double map[2][3] = {{1, 0, 0}, {0, 1, 0}};
  Pixel pixels[max_formulas];  // applied in order up to the first `none`
  Border border = Border::mirror;

  // Each of these adds a change that is made after those so far.

  // Another affine map, which says where a pixel of its result is found: the product map * next.
  void then(const double (&next)[2][3]) {
    for (auto& row : map) {
      const double x = row[0], y = row[1];
      for (int j = 0; j < 3; ++j) row[j] = x * next[0][j] + y * next[1][j] + (j == 2 ? row[2] : 0);
    }
  }
  // Mirrors left and right.
  void flip() { then({{-1, 0, 0}, {0, 1, 0}}); }
  // Rotates counter-clockwise by an angle in radians.
  void rotate(double angle) {
    const double cosine = std::cos(angle), sine = std::sin(angle);
    then({{cosine, -sine, 0}, {sine, cosine, 0}});
  }
  // Applies a formula to each pixel. Throws Error(failure) if there are max_formulas already.
  void color(PixelFormula formula, float a, float b = 0) {
    int i = 0;
    while (i < max_formulas && pixels[i].formula != PixelFormula::none) ++i;
    CP_ENSURE(i < max_formulas, "an image transform: more than ", max_formulas, " pixel formulas");
    pixels[i] = {formula, a, b};
  }

  // Changes the color of one pixel.
  CP_HD void apply_formulas(float* rgb) const {
    for (int i = 0; i < max_formulas && pixels[i].formula != PixelFormula::none; ++i) {
      apply_formula(pixels[i].formula, pixels[i].a, pixels[i].b, rgb);
    }
  }
};

// The position in [0, n-1] that position x maps to when a row of n pixels is extended by its mirror images.
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

// Bilinear in an image that is black outside: the pixel at any (u, v).
CP_HD inline void sample_bilinear_zero(const uint8_t* rgb, int height, int width, float u, float v, float* out) {
  out[0] = out[1] = out[2] = 0;
  // (Also false for NaN, and for positions that no int can hold.)
  if (!(u > -1 && u < width && v > -1 && v < height)) return;
  const float left = std::floor(u), top = std::floor(v);
  const int x = static_cast<int>(left), y = static_cast<int>(top);
  const float fx = u - left, fy = v - top;
  for (int c = 0; c < 3; ++c) {
    float rows[2] = {0, 0};
    for (int j = 0; j < 2; ++j) {
      if (y + j < 0 || y + j >= height) continue;
      const uint8_t* p = rgb + (static_cast<int64_t>(y + j) * width + x) * 3 + c;
      const float a = x >= 0 ? p[0] : 0, b = x + 1 < width ? p[3] : 0;
      rows[j] = a + fx * (b - a);
    }
    out[c] = rows[0] + fy * (rows[1] - rows[0]);
  }
}

// Maps the pixels of one row of the result to their positions in the image.
class TransformedRow {
 public:
  CP_HD TransformedRow(const ImageTransform& transform, int height, int width, int row)
      : height_(height), width_(width), border_(transform.border) {
    const auto& m = transform.map;
    const double cx = (width - 1) * 0.5, cy = (height - 1) * 0.5;
    // The position of this row's middle, from which steps in float stay accurate enough in both directions.
    cx_ = static_cast<float>(cx);
    mx_ = static_cast<float>(cx + m[0][1] * (row - cy) + m[0][2]);
    my_ = static_cast<float>(cy + m[1][1] * (row - cy) + m[1][2]);
    dx_ = static_cast<float>(m[0][0]);
    dy_ = static_cast<float>(m[1][0]);
  }

  // The position of a pixel, which is within the image unless what lies outside is black.
  CP_HD void place(int column, float& u, float& v) const {
    const float t = column - cx_;
    u = mx_ + t * dx_;
    v = my_ + t * dy_;
    if (border_ == ImageTransform::Border::zero) return;
    if (!(u >= 0 && u <= width_ - 1)) u = reflect(u, width_);
    if (!(v >= 0 && v <= height_ - 1)) v = reflect(v, height_);
  }
  // The pixel, 0 to 255 in each channel, before any formula.
  CP_HD void sample(const uint8_t* rgb, int column, float* out) const {
    float u, v;
    place(column, u, v);
    if (border_ == ImageTransform::Border::zero) sample_bilinear_zero(rgb, height_, width_, u, v, out);
    else sample_bilinear(rgb, height_, width_, u, v, out);
  }

 private:
  int height_, width_;
  ImageTransform::Border border_;
  float cx_, mx_, my_, dx_, dy_;
};

}  // namespace counterpoise
