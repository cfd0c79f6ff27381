#include "data/augment/displacement.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "data/augment/geometry.h"
#include "kernels/cpu/parallel.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

// The pixels before and after a position from the edge of a row of n pixels, and the weight of the second one.
struct Between {
  int before, after;
  float weight;
};
Between between(double x, int n) {
  const double position = std::clamp(x - 0.5, 0.0, n - 1.0);
  const int before = int(position);
  return {before, std::min(before + 1, n - 1), float(position - before)};
}

float mix(float a, float b, float weight) { return a + weight * (b - a); }

// Adds pixel (row, column), which may lie outside, times a weight.
template <class T, int C>
void add_pixel(const T* values, Size size, int64_t row, int64_t column, Border border, const float* fill, float weight,
               float* sum) {
  const int i = within(row, size.height, border), j = within(column, size.width, border);
  const T* pixel = values + (int64_t{std::max(i, 0)} * size.width + std::max(j, 0)) * C;
  for (int c = 0; c < C; ++c) sum[c] += weight * (i < 0 || j < 0 ? fill[c] : float(pixel[c]));
}

// Reads the place of an image for each pixel of a map of it: read(place in the map, the pixel's number).
template <class Read>
void each_place(const Displacement& field, Size map, const Read& read) {
  const double x = double(field.size.width) / map.width, y = double(field.size.height) / map.height;
  parallel_for(map.height, std::max<Index>(1, 4096 / map.width), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      for (Index j = 0; j < map.width; ++j) {
        const Point to{(double(j) + 0.5) * x, (double(i) + 0.5) * y}, d = at(field, to);
        read(Point{(to.x + d.x) / x, (to.y + d.y) / y}, i * map.width + j);
      }
    }
  });
}

float converted(float value, float) { return value; }
uint8_t converted(float value, uint8_t) { return uint8_t(std::clamp(value + 0.5f, 0.0f, 255.0f)); }

// Bilinear interpolation of C numbers for each pixel.
template <class T, int C>
std::vector<T> interpolated(const std::vector<T>& values, Size size, const Displacement& field, Border border,
                            Color fill) {
  std::vector<T> y(values.size());
  const float outside[3] = {float(fill[0]), float(fill[1]), float(fill[2])};
  each_place(field, size, [&](Point p, Index pixel) {
    const double left = std::floor(p.x - 0.5), top = std::floor(p.y - 0.5);
    const auto row = int64_t(top), column = int64_t(left);
    const float x = float(p.x - 0.5 - left), down = float(p.y - 0.5 - top);
    float sum[C] = {};
    add_pixel<T, C>(values.data(), size, row, column, border, outside, (1 - down) * (1 - x), sum);
    add_pixel<T, C>(values.data(), size, row, column + 1, border, outside, (1 - down) * x, sum);
    add_pixel<T, C>(values.data(), size, row + 1, column, border, outside, down * (1 - x), sum);
    add_pixel<T, C>(values.data(), size, row + 1, column + 1, border, outside, down * x, sum);
    for (int c = 0; c < C; ++c) y[size_t(pixel * C + c)] = converted(sum[c], T{});
  });
  return y;
}

std::vector<int32_t> nearest(const SegmentationMap& map, const Displacement& field) {
  std::vector<int32_t> y(map.labels.size());
  each_place(field, {map.height, map.width}, [&](Point p, Index pixel) {
    const int row = within(int64_t(std::floor(p.y)), map.height, Border::constant);
    const int column = within(int64_t(std::floor(p.x)), map.width, Border::constant);
    if (row >= 0 && column >= 0) y[size_t(pixel)] = map.labels[size_t(row) * size_t(map.width) + size_t(column)];
  });
  return y;
}

// The largest displacement in either direction.
double furthest(const Displacement& field) {
  float most = 0;
  for (const std::vector<float>* d : {&field.right, &field.down}) {
    for (const float v : *d) most = std::max(most, std::fabs(v));
  }
  return most;
}

// Points, the last of which is connected with the first if `closed`, and points between them at most `apart` pixels
// from each other where the outline is in the box `bends`. Beyond that it is straight. (An outline that is far longer
// than an image has sides is divided less finely.)
std::vector<Point> divided(const std::vector<Point>& points, bool closed, const Box& bends, double apart) {
  constexpr double most_pieces = 1e5;
  const size_t edges = points.size() - (closed || points.empty() ? 0 : 1);
  const auto end = [&](size_t i) { return points[(i + 1) % points.size()]; };
  std::vector<std::pair<double, double>> parts;
  double length = 0;
  for (size_t i = 0; i < edges; ++i) {
    const Point a = points[i], b = end(i);
    parts.push_back(part_within(bends, a, b));
    length += std::max(0.0, parts[i].second - parts[i].first) * std::hypot(b.x - a.x, b.y - a.y);
  }
  apart = std::max(apart, length / most_pieces);
  std::vector<Point> y;
  for (size_t i = 0; i < edges; ++i) {
    const Point a = points[i], b = end(i);
    const auto [first, last] = parts[i];
    const auto add = [&](double t) { y.push_back({a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)}); };
    y.push_back(a);
    if (first > last) continue;
    if (first > 0) add(first);
    const double pieces = std::max(1.0, std::ceil((last - first) * std::hypot(b.x - a.x, b.y - a.y) / apart));
    for (double k = 1; k < pieces; ++k) add(first + k / pieces * (last - first));
    if (last < 1) add(last);
  }
  if (!closed && !points.empty()) y.push_back(points.back());
  return y;
}

std::vector<Point> all_moved(const Displacement& field, std::vector<Point> points) {
  for (Point& p : points) p = moved(field, p);
  return points;
}

void check(const Displacement& field) {
  const size_t pixels = size_t(std::max(field.size.height, 0)) * size_t(std::max(field.size.width, 0));
  CP_ENSURE(pixels > 0 && field.right.size() == pixels && field.down.size() == pixels, "a displacement of ",
            field.size.width, " x ", field.size.height, " pixels has ", field.right.size(),
            " numbers to the right and ", field.down.size(), " downwards");
  for (const std::vector<float>* d : {&field.right, &field.down}) {
    CP_ENSURE(std::all_of(d->begin(), d->end(), [](float v) { return std::isfinite(v); }),
              "a displacement has numbers that are not finite");
  }
  const double steep = steepness(field);
  CP_ENSURE(steep < 1, "a displacement changes by ", steep,
            " pixels from one pixel to the next; below 1, it does not fold the image");
}

}  // namespace

Point at(const Displacement& field, Point p) {
  const Between x = between(p.x, field.size.width), y = between(p.y, field.size.height);
  const size_t above = size_t(y.before) * size_t(field.size.width), below = size_t(y.after) * size_t(field.size.width);
  const size_t before = size_t(x.before), after = size_t(x.after);
  const auto interpolate = [&](const std::vector<float>& d) {
    return double{mix(mix(d[above + before], d[above + after], x.weight),
                      mix(d[below + before], d[below + after], x.weight), y.weight)};
  };
  return {interpolate(field.right), interpolate(field.down)};
}

double steepness(const Displacement& field) {
  // In the square between four centers, a derivative is a mean of its values at two opposite sides.
  const size_t height = size_t(field.size.height), width = size_t(field.size.width);
  std::vector<float> most(height);  // of rows
  parallel_for(field.size.height, std::max<Index>(1, 4096 / field.size.width), [&](Index begin, Index end) {
    for (size_t i = size_t(begin); i < size_t(end); ++i) {
      for (const std::vector<float>* d : {&field.right, &field.down}) {
        const float *upper = d->data() + i * width, *lower = d->data() + std::min(i + 1, height - 1) * width;
        for (size_t j = 0; j < width; ++j) {
          const size_t next = std::min(j + 1, width - 1);
          const float across = std::max(std::fabs(upper[next] - upper[j]), std::fabs(lower[next] - lower[j]));
          const float down = std::max(std::fabs(lower[j] - upper[j]), std::fabs(lower[next] - upper[next]));
          most[i] = std::max(most[i], across + down);
        }
      }
    }
  });
  return double{*std::max_element(most.begin(), most.end())};
}

Point moved(const Displacement& field, Point q) {
  Point p = q;
  for (int i = 0; i < 1000; ++i) {
    const Point d = at(field, p), next{q.x - d.x, q.y - d.y};
    const double change = std::max(std::fabs(next.x - p.x), std::fabs(next.y - p.y));
    p = next;
    if (change < 1e-6) break;
  }
  return p;
}

Annotated displaced(const Annotated& annotated, const Displacement& field, Border border, Color fill) {
  check(field);
  CP_ENSURE(field.size == annotated.size(), "a displacement of ", field.size.width, " x ", field.size.height,
            " pixels cannot be applied to an image of ", annotated.image.width, " x ", annotated.image.height);
  constexpr double piece = 2;
  // What is further away than this stays outside of the image, whether it bends or not.
  const double margin = 2 * furthest(field) + piece;
  const Box bends{-margin, -margin, field.size.width + margin, field.size.height + margin};
  Annotated y = annotated;
  y.image.rgb = interpolated<uint8_t, 3>(annotated.image.rgb, annotated.size(), field, border, fill);
  for (Keypoint& keypoint : y.keypoints) keypoint.at = moved(field, keypoint.at);
  for (Box& box : y.boxes) {
    Box moved_box = envelope(all_moved(field, divided(corners(box), true, bends, piece / 2)));
    moved_box.label = std::move(box.label), moved_box.object = box.object;
    box = std::move(moved_box);
  }
  for (Polygon& polygon : y.polygons) polygon.points = all_moved(field, divided(polygon.points, true, bends, piece));
  for (LineString& line : y.lines) line.points = all_moved(field, divided(line.points, false, bends, piece));
  for (HeatMap& map : y.heat_maps) {
    map.values = interpolated<float, 1>(map.values, {map.height, map.width}, field, Border::constant, {0, 0, 0});
  }
  for (SegmentationMap& map : y.segmentation_maps) map.labels = nearest(map, field);
  return y;
}

}  // namespace counterpoise::augment
