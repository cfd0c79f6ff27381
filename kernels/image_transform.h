// Augmentation of an image, from bytes to floats: the formulas, written once for every backend.
//
// An affine map gives the position in the image at which a pixel of the result is read, by bilinear interpolation
// between the four pixels around it. Then formulas change its color (kernels/color.h), a rectangle may be filled, and
// scale_pixel() scales it to the range of the networks. How such a transform is drawn: data/augment/.
//
// Everything here is plain data and pure functions: safe to use from several threads.
#pragma once

#include <cstdint>

#include "kernels/color.h"
#include "kernels/host_device.h"

namespace counterpoise {

// Bytes as the networks see them: within [-1, 1], as in the lectures.
CP_HD inline float scale_pixel(float byte) { return byte / 127.5f - 1.f; }

// What lies outside an image, named as in OpenCV, for a row a b c d. (Where a result shows nothing of it, as after a
// flip, a crop or a resize, the pixels at the edges are not blended with it either.)
enum class ImageBorder : int32_t {
  constant,     // f f | a b c d | f f, with a fill color f, and a blend between it and the pixels at the edge
  replicate,    // a a | a b c d | d d
  reflect,      // b a | a b c d | d c
  reflect_101,  // c b | a b c d | c b
  wrap,         // c d | a b c d | a b
};

// The place of pixel i of a row of n pixels that goes on beyond its ends; -1 where the fill color stands. REQUIRES:
// n > 0.
CP_HD inline int within(int64_t i, int64_t n, ImageBorder border) {
  if (0 <= i && i < n) return int(i);
  const int64_t period = border == ImageBorder::reflect ? 2 * n : border == ImageBorder::reflect_101 ? 2 * n - 2 : n;
  switch (border) {
    case ImageBorder::constant:
      return -1;
    case ImageBorder::replicate:
      return i < 0 ? 0 : int(n - 1);
    case ImageBorder::wrap:
      return int((i % n + n) % n);
    case ImageBorder::reflect:
    case ImageBorder::reflect_101: {
      if (n == 1) return 0;
      const int64_t k = (i % period + period) % period;
      const int64_t mirrored = border == ImageBorder::reflect ? period - 1 - k : period - k;
      return int(k < mirrored ? k : mirrored);
    }
  }
  return -1;
}

// The transform of one image.
struct ImageTransform {
  static constexpr int max_colors = 8;

  // The point (x, y) of the result shows the point
  //   (from[0][0] x + from[0][1] y + from[0][2],  from[1][0] x + from[1][1] y + from[1][2])
  // of the image, in pixels from the left and upper edges: pixel (row, column) has its center at column + 1/2, row +
  // 1/2.
  double from[2][3] = {{1, 0, 0}, {0, 1, 0}};
  ImageBorder border = ImageBorder::replicate;
  uint8_t fill[3] = {0, 0, 0};  // of ImageBorder::constant
  // Made in order up to the first `none`. At most one of them is a contrast.
  ColorChange colors[max_colors];
  // Rows top to bottom and columns left to right, without the last ones, are filled at the end.
  struct Rectangle {
    int32_t left = 0, top = 0, right = 0, bottom = 0;
    uint8_t fill[3] = {0, 0, 0};
  } erased;

  CP_HD int color_count() const {
    int n = 0;
    while (n < max_colors && colors[n].formula != ColorFormula::none) ++n;
    return n;
  }
  // The place of the contrast among the colors; -1 without one.
  CP_HD int contrast() const {
    for (int i = color_count() - 1; i >= 0; --i) {
      if (colors[i].formula == ColorFormula::contrast) return i;
    }
    return -1;
  }
  // Whether pixels fall on pixels and rows on rows, each mirrored or not: nothing is interpolated.
  CP_HD bool whole_pixels() const {
    const auto whole = [](double x) { return x > -1e9 && x < 1e9 && x == double(int64_t(x)); };
    const auto unit = [](double x) { return x == 1 || x == -1; };
    return unit(from[0][0]) && from[0][1] == 0 && from[1][0] == 0 && unit(from[1][1]) && whole(from[0][2]) &&
           whole(from[1][2]);
  }
};

// An image of bytes [height, width, 3] that is read at places between and beside its pixels.
struct SourceImage {
  const uint8_t* rgb;
  int height, width;
};

// Channel c of the pixel in this column and row, which may be outside.
CP_HD inline float pixel_at(const SourceImage& image, const ImageTransform& t, int64_t column, int64_t row, int c) {
  const int x = within(column, image.width, t.border), y = within(row, image.height, t.border);
  return x < 0 || y < 0 ? t.fill[c] : image.rgb[(int64_t(y) * image.width + x) * 3 + c];
}

// Bilinear: the pixel at (u, v), where whole numbers are the centers of pixels.
CP_HD inline void sample_bilinear(const SourceImage& image, const ImageTransform& t, float u, float v, float* out) {
  const float furthest = 1e9f;  // so that places fit an integer, also those that are no numbers
  u = u > -furthest ? (u < furthest ? u : furthest) : -furthest;
  v = v > -furthest ? (v < furthest ? v : furthest) : -furthest;
  int64_t x = int64_t(u), y = int64_t(v);
  x -= u < float(x), y -= v < float(y);  // rounded down
  const float fx = u - float(x), fy = v - float(y);
  for (int c = 0; c < 3; ++c) {
    const float a = pixel_at(image, t, x, y, c), b = pixel_at(image, t, x + 1, y, c);
    const float d = pixel_at(image, t, x, y + 1, c), e = pixel_at(image, t, x + 1, y + 1, c);
    const float upper = a + fx * (b - a), lower = d + fx * (e - d);
    out[c] = upper + fy * (lower - upper);
  }
}

// Where the pixels of one row of the result are read.
class TransformedRow {
 public:
  CP_HD TransformedRow(const ImageTransform& transform, int result_width, int row) {
    const auto& m = transform.from;
    // The position of this row's middle, from which steps in float stay accurate enough in both directions.
    const double middle = result_width * 0.5;
    middle_ = float(middle - 0.5);
    u_ = float(m[0][0] * middle + m[0][1] * (row + 0.5) + m[0][2] - 0.5);
    v_ = float(m[1][0] * middle + m[1][1] * (row + 0.5) + m[1][2] - 0.5);
    du_ = float(m[0][0]), dv_ = float(m[1][0]);
  }

  // The position of a pixel, where whole numbers are the centers of pixels.
  CP_HD void place(int column, float& u, float& v) const {
    const float t = column - middle_;
    u = u_ + t * du_;
    v = v_ + t * dv_;
  }

 private:
  float middle_, u_, v_, du_, dv_;
};

// A pixel of the result before the changes of color, 0 to 255 in each channel.
CP_HD inline void sample_pixel(const SourceImage& image, const ImageTransform& t, int result_width, int row, int column,
                               float* out) {
  float u, v;
  TransformedRow(t, result_width, row).place(column, u, v);
  sample_bilinear(image, t, u, v, out);
}

// What the mean that a contrast looks at is made of: the gray of a pixel after the changes before it.
CP_HD inline float gray_before_contrast(const ImageTransform& t, const float* rgb) {
  float r = rgb[0], g = rgb[1], b = rgb[2];
  for (int i = 0; i < t.contrast(); ++i) change_color(t.colors[i], 0, r, g, b);
  return gray(r, g, b);
}

// The changes of color and the rectangle. `mean` is the mean gray that the contrast looks at.
CP_HD inline void finish_pixel(const ImageTransform& t, float mean, int row, int column, float* rgb) {
  const int n = t.color_count();
  for (int i = 0; i < n; ++i) change_color(t.colors[i], mean, rgb[0], rgb[1], rgb[2]);
  const ImageTransform::Rectangle& r = t.erased;
  if (r.top <= row && row < r.bottom && r.left <= column && column < r.right) {
    for (int c = 0; c < 3; ++c) rgb[c] = r.fill[c];
  }
}

}  // namespace counterpoise
