#include "data/augment/warp.h"

#include <algorithm>
#include <cmath>

#include "data/augment/geometry.h"
#include "data/images/resize.h"
#include "kernels/cpu/color.h"
#include "kernels/cpu/images.h"
#include "kernels/cpu/parallel.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

constexpr double furthest = 1e9;  // what is further away is taken to be there, so that all positions fit an integer
constexpr int most_samples = 8;   // of a pixel, in each direction

// The weights of the pixels first, first + 1, ... of a row for a position x from its edge.
struct Taps {
  int64_t first = 0;
  int count = 1;
  double weights[4] = {1, 0, 0, 0};
};

Taps taps(double x, Interpolation interpolation) {
  Taps y;
  x = std::clamp(x, -furthest, furthest);
  if (interpolation == Interpolation::nearest) {
    y.first = int64_t(std::floor(x));
    return y;
  }
  const double at = x - 0.5, floor = std::floor(at), t = at - floor;
  y.first = int64_t(floor);
  if (interpolation == Interpolation::bilinear) {
    y.count = 2;
    y.weights[0] = 1 - t, y.weights[1] = t;
    return y;
  }
  constexpr double a = -0.75;
  const auto near = [](double d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };       // d <= 1
  const auto far = [](double d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };  // 1 <= d <= 2
  y.first -= 1;
  y.count = 4;
  y.weights[0] = far(1 + t), y.weights[1] = near(t), y.weights[2] = near(1 - t), y.weights[3] = far(2 - t);
  return y;
}

// An image or a map of C numbers for each pixel.
template <class T, int C>
struct Plane {
  const T* values;
  Size size;
};

template <class T, int C>
void sample(const Plane<T, C>& from, Point p, Interpolation interpolation, Border border, const double* fill,
            double* sum) {
  const Taps across = taps(p.x, interpolation), down = taps(p.y, interpolation);
  int columns[4];
  for (int j = 0; j < across.count; ++j) columns[j] = within(across.first + j, from.size.width, border);
  for (int i = 0; i < down.count; ++i) {
    const int row = within(down.first + i, from.size.height, border);
    const T* pixels = from.values + int64_t{std::max(row, 0)} * from.size.width * C;
    for (int j = 0; j < across.count; ++j) {
      const double weight = down.weights[i] * across.weights[j];
      if (row < 0 || columns[j] < 0) {
        for (int c = 0; c < C; ++c) sum[c] += weight * fill[c];
      } else {
        for (int c = 0; c < C; ++c) sum[c] += weight * double(pixels[columns[j] * C + c]);
      }
    }
  }
}

// How many places within a pixel are averaged, for a step of one pixel that moves so far in the image.
int samples(double x, double y) {
  return std::clamp(int(std::lround(std::min(std::hypot(x, y), double{most_samples}))), 1, most_samples);
}

struct Samples {
  int columns = 1, rows = 1;
};

// Those of the pixel in the middle of the result.
Samples samples_of(const Warp& warp, const Transform& back) {
  if (warp.interpolation == Interpolation::nearest) return {};
  const Point middle{warp.to.width / 2.0, warp.to.height / 2.0};
  const auto place = [&](double x, double y) {
    return moved(back, Point{middle.x + x, middle.y + y}).value_or(Point{});
  };
  const Point at = place(0, 0), right = place(1, 0), below = place(0, 1);
  return {samples(right.x - at.x, right.y - at.y), samples(below.x - at.x, below.y - at.y)};
}

template <class T>
T converted(double value) {
  return T(value);
}
template <>
uint8_t converted<uint8_t>(double value) {
  return uint8_t(std::clamp(std::floor(value + 0.5), 0.0, 255.0));
}

// How much of what a result shows at p was not lost at the edges of the windows, from 0 to 1: with a blend as wide as a
// pixel, as between the edge of an image and a fill color; or all or nothing, for maps that are read at the nearest
// pixel.
double covered(const std::vector<Window>& windows, Point p, bool blend) {
  double part = 1;
  for (const Window& window : windows) {
    const std::optional<Point> q = moved(window.from_output, p);
    if (!q) return 0;
    for (const double inside : {std::min(q->x, window.size.width - q->x), std::min(q->y, window.size.height - q->y)}) {
      constexpr double e = 1e-7;  // so that rounding does not move an edge by a pixel
      part *= blend ? std::clamp(inside + 0.5, 0.0, 1.0) : inside >= -e ? 1 : 0;
    }
  }
  return part;
}

template <class T, int C>
void resample(const Plane<T, C>& from, const Warp& warp, T* to) {
  const Transform back = inverse(warp.transform);
  const double fill[3] = {double(warp.fill[0]), double(warp.fill[1]), double(warp.fill[2])};
  // Where only the image is shown, the pixels at its edges are not blended with what lies outside.
  const Border border = shows_outside(warp.transform, from.size, warp.to) ? warp.border : Border::replicate;
  const auto [columns, rows] = samples_of(warp, back);
  const bool blend = warp.interpolation != Interpolation::nearest;
  const Index row_values = Index(warp.to.width) * C;
  parallel_for(warp.to.height, std::max<Index>(1, 4096 / row_values), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      for (Index j = 0; j < warp.to.width; ++j) {
        double sum[3] = {0, 0, 0};
        for (int r = 0; r < rows; ++r) {
          for (int c = 0; c < columns; ++c) {
            const Point at{double(j) + (c + 0.5) / columns, double(i) + (r + 0.5) / rows};
            const auto p = moved(back, at);
            const double part = p ? covered(warp.windows, at, blend) : 0;
            double values[3] = {0, 0, 0};
            if (part > 0) sample(from, *p, warp.interpolation, border, fill, values);
            for (int k = 0; k < C; ++k) sum[k] += part * values[k] + (1 - part) * fill[k];
          }
        }
        for (int k = 0; k < C; ++k) {
          to[i * row_values + j * C + k] = converted<T>(sum[k] / (rows * columns));
        }
      }
    }
  });
}

// The warp of a map of this size.
Warp of_map(const Warp& warp, Size image, Size map, Interpolation interpolation) {
  const auto scaled = [](int to, int part, int whole) {
    return std::max(1, int(std::lround(double(to) * part / whole)));
  };
  Warp y = warp;
  y.to = {scaled(warp.to.height, map.height, image.height), scaled(warp.to.width, map.width, image.width)};
  y.transform = resizing(warp.to, y.to) * warp.transform * resizing(map, image);
  y.interpolation = interpolation;
  y.border = Border::constant;
  y.fill = {0, 0, 0};
  for (Window& window : y.windows) window.from_output = window.from_output * resizing(y.to, warp.to);
  return y;
}

template <class T>
void check_source(const std::vector<T>& values, Size size, int channels) {
  CP_ENSURE(
      size.height > 0 && size.width > 0 && values.size() == size_t(size.height) * size_t(size.width) * size_t(channels),
      "what is warped has ", values.size(), " numbers, which is not ", channels, " for each of ", size.width, " x ",
      size.height, " pixels");
}

size_t numbers(const Warp& warp, int channels) {
  CP_ENSURE(warp.to.height > 0 && warp.to.width > 0, "an image cannot be warped to ", warp.to.width, " x ",
            warp.to.height, " pixels");
  return size_t(warp.to.height) * size_t(warp.to.width) * size_t(channels);
}

template <class T>
void check_map(const std::vector<T>& values, Size map, Size image, const Warp& warp) {
  check_source(values, map, 1);
  CP_ENSURE(image.height > 0 && image.width > 0, "the image of a map has no pixels");
  numbers(warp, 1);
}

// A part of an image, resized and perhaps mirrored; nothing for any other warp.
std::optional<Image> resized_part(const Image& image, const Warp& warp) {
  const auto& m = warp.transform.m;
  if (warp.interpolation != Interpolation::bilinear || !warp.windows.empty() || !warp.transform.affine() ||
      m[0][1] != 0 || m[1][0] != 0 || shows_outside(warp.transform, {image.height, image.width}, warp.to)) {
    return {};
  }
  const auto back = [&](size_t axis, double place, int size) {
    // (What rounding has moved outside is moved back.)
    return std::clamp((place - m[axis][2]) / m[axis][axis], 0.0, double(size));
  };
  return resize_bilinear(image,
                         {back(0, 0, image.width), back(1, 0, image.height), back(0, warp.to.width, image.width),
                          back(1, warp.to.height, image.height)},
                         warp.to.height, warp.to.width);
}

// What a backend would compute, rounded, with windows.
Image sampled(const Image& image, const ImageTransform& transform, const Warp& warp) {
  const Size to = warp.to;
  namespace kernels = counterpoise::detail;
  const SourceImage source{image.rgb.data(), image.height, image.width};
  Image y{to.height, to.width, std::vector<uint8_t>(size_t(to.height) * size_t(to.width) * 3)};
  parallel_for(to.height, std::max(1, 4096 / to.width), [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      kernels::each_run(to.width, [&](int first, int count) {
        float rgb[3 * kernels::color_run];
        kernels::sample_run(source, transform, to.width, int(row), first, count, rgb);
        for (int x = 0; x < count && !warp.windows.empty(); ++x) {
          const double part = covered(warp.windows, {first + x + 0.5, double(row) + 0.5}, true);
          for (int c = 0; c < 3; ++c)
            rgb[3 * x + c] = float(part * double{rgb[3 * x + c]} + (1 - part) * warp.fill[size_t(c)]);
        }
        uint8_t* out = y.rgb.data() + (row * to.width + first) * 3;
        for (int i = 0; i < 3 * count; ++i) out[i] = uint8_t(int(rgb[i] + 0.5f));
      });
    }
  });
  return y;
}

// The warp without its windows as a transform of a backend, where it is one.
std::optional<ImageTransform> without_windows(const Warp& warp, Size from) {
  if (!warp.transform.affine() || warp.interpolation != Interpolation::bilinear) return {};
  const Transform back = inverse(warp.transform);
  const Samples read = samples_of(warp, back);
  if (read.columns > 1 || read.rows > 1) return {};
  ImageTransform y;
  for (size_t i = 0; i < 2; ++i) std::copy_n(back.m[i].begin(), 3, y.from[i]);
  // Where only the image is shown, the pixels at its edges are not blended with what lies outside.
  y.border = shows_outside(warp.transform, from, warp.to) ? warp.border : Border::replicate;
  std::copy_n(warp.fill.begin(), 3, y.fill);
  return y;
}

}  // namespace

std::optional<ImageTransform> image_transform(const Warp& warp, Size from) {
  if (!warp.windows.empty()) return {};
  return without_windows(warp, from);
}

Image warp(const Image& image, const Warp& warp) {
  const Size from{image.height, image.width};
  check_source(image.rgb, from, 3);
  const size_t bytes = numbers(warp, 3);
  const auto transform = without_windows(warp, from);
  if (transform && transform->whole_pixels()) return sampled(image, *transform, warp);
  if (auto part = resized_part(image, warp)) return std::move(*part);
  if (transform) return sampled(image, *transform, warp);
  Image y{warp.to.height, warp.to.width, std::vector<uint8_t>(bytes)};
  resample<uint8_t, 3>({image.rgb.data(), {image.height, image.width}}, warp, y.rgb.data());
  return y;
}

HeatMap warp(const HeatMap& map, Size image, const Warp& warp) {
  check_map(map.values, {map.height, map.width}, image, warp);
  const Warp own = of_map(warp, image, {map.height, map.width}, Interpolation::bilinear);
  HeatMap y{own.to.height, own.to.width, std::vector<float>(numbers(own, 1)), map.label};
  resample<float, 1>({map.values.data(), {map.height, map.width}}, own, y.values.data());
  return y;
}

SegmentationMap warp(const SegmentationMap& map, Size image, const Warp& warp) {
  check_map(map.labels, {map.height, map.width}, image, warp);
  const Warp own = of_map(warp, image, {map.height, map.width}, Interpolation::nearest);
  SegmentationMap y{own.to.height, own.to.width, std::vector<int32_t>(numbers(own, 1))};
  resample<int32_t, 1>({map.labels.data(), {map.height, map.width}}, own, y.labels.data());
  return y;
}

}  // namespace counterpoise::augment
