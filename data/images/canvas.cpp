#include "data/images/canvas.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/error.h"

namespace counterpoise::detail {

namespace {

float clamp01(float x) { return std::min(std::max(x, 0.0f), 1.0f); }
float dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }
float cross(Point a, Point b) { return a.x * b.y - a.y * b.x; }
float length(Point p) { return std::sqrt(dot(p, p)); }
Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
Point least(Point a, Point b) { return {std::min(a.x, b.x), std::min(a.y, b.y)}; }
Point most(Point a, Point b) { return {std::max(a.x, b.x), std::max(a.y, b.y)}; }
Point apply(const Pose& pose, Point p) { return pose.origin + p.x * pose.right + p.y * pose.down; }

// The squared distance from p to the segment that starts at a and runs along ab.
float squared_distance(Point p, Point a, Point ab, float inverse_square) {
  const Point ap = p - a;
  const Point off = ap - clamp01(dot(ap, ab) * inverse_square) * ab;
  return dot(off, off);
}

float inverse_square(Point p) { return 1 / std::max(dot(p, p), 1e-12f); }

}  // namespace

Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
Point operator*(float s, Point p) { return {s * p.x, s * p.y}; }

Color mix(Color a, Color b, float t) { return {a.r + t * (b.r - a.r), a.g + t * (b.g - a.g), a.b + t * (b.b - a.b)}; }

Canvas::Canvas(int size, float softness) : size_(size) {
  CP_ENSURE(size >= 1, "Canvas: a side of ", size, " pixels; give at least 1");
  softness_ = std::max(softness, 1.0f / size);
  pixels_.assign(static_cast<size_t>(size) * size, Color{0, 0, 0});
  set_pose(Pose{});
}

void Canvas::set_pose(const Pose& pose) {
  const float area = cross(pose.right, pose.down);
  CP_ENSURE(std::abs(area) > 1e-6f, "Canvas: the pose's unit square has area ", area, ", so nothing would be seen");
  pose_ = pose;
  inverse_.right = {pose.down.y / area, -pose.right.y / area};
  inverse_.down = {-pose.down.x / area, pose.right.x / area};
  inverse_.origin = {0, 0};
  inverse_.origin = -1.0f * apply(inverse_, pose.origin);
  edge_ = softness_ / std::sqrt(std::abs(area));
}

void Canvas::clip(Point center, Point radii) {
  clip_ = {center, {1, 0}, {1 / radii.x, 1 / radii.y}};
  clipped_ = true;
}

float Canvas::covered(float distance) const { return clamp01(0.5f - distance / edge_); }

float Canvas::Ellipse::distance(Point p) const {
  p = p - center;
  const Point q{dot(p, axis) * inverse.x, cross(axis, p) * inverse.y};
  // To first order the distance is (|q| - 1) over the length of the gradient of |q|.
  const float radius = length(q), slope = length({q.x * inverse.x, q.y * inverse.y});
  return (radius - 1) * std::max(radius, 0.05f) / std::max(slope, 1e-6f);
}

template <class Coverage>
void Canvas::paint(Point low, Point high, Color color, float alpha, Coverage coverage) {
  low = {low.x - edge_, low.y - edge_};
  high = {high.x + edge_, high.y + edge_};
  const Point corners[] = {apply(pose_, low), apply(pose_, {high.x, low.y}), apply(pose_, {low.x, high.y}),
                           apply(pose_, high)};
  low = high = corners[0];
  for (Point p : corners) low = least(low, p), high = most(high, p);
  const float s = static_cast<float>(size_), pixel = 1 / s;
  const int x0 = static_cast<int>(s * clamp01(low.x)), x1 = static_cast<int>(std::ceil(s * clamp01(high.x)));
  const int y0 = static_cast<int>(s * clamp01(low.y)), y1 = static_cast<int>(std::ceil(s * clamp01(high.y)));
  for (int y = y0; y < y1; ++y)
    for (int x = x0; x < x1; ++x) {
      const Point p = apply(inverse_, {(x + 0.5f) * pixel, (y + 0.5f) * pixel});
      float a = alpha * coverage(p);
      if (a <= 0) continue;
      if (clipped_) a *= covered(clip_.distance(p));
      Color& under = pixels_[static_cast<size_t>(y) * size_ + x];
      under = mix(under, color, a);
    }
}

void Canvas::ellipse(Point center, Point radii, Color color, float alpha, float tilt) {
  const float norm = 1 / std::sqrt(1 + tilt * tilt);
  const Ellipse shape{center, {norm, norm * tilt}, {1 / radii.x, 1 / radii.y}};
  const Point u = {std::abs(shape.axis.x), std::abs(shape.axis.y)};
  const Point reach{u.x * radii.x + u.y * radii.y, u.y * radii.x + u.x * radii.y};
  // A shape that is smaller than the width of an edge cannot fill a pixel.
  alpha *= std::min(1.0f, 2 * std::min(radii.x, radii.y) / edge_);
  paint(center - reach, center + reach, color, alpha, [&](Point p) { return covered(shape.distance(p)); });
}

void Canvas::triangle(Point a, Point b, Point c, float rounding, Color color, float alpha) {
  if (cross(b - a, c - a) < 0) std::swap(b, c);
  const Point ab = b - a, bc = c - b, ca = a - c, round{rounding, rounding};
  const float iab = inverse_square(ab), ibc = inverse_square(bc), ica = inverse_square(ca);
  paint(least(least(a, b), c) - round, most(most(a, b), c) + round, color, alpha, [&](Point p) {
    const float d = std::sqrt(
        std::min({squared_distance(p, a, ab, iab), squared_distance(p, b, bc, ibc), squared_distance(p, c, ca, ica)}));
    const bool inside = cross(ab, p - a) > 0 && cross(bc, p - b) > 0 && cross(ca, p - c) > 0;
    return covered((inside ? -d : d) - rounding);
  });
}

void Canvas::stroke(Point a, Point b, float from, float to, Color color, float alpha) {
  const Point ab = b - a;
  const float inverse = inverse_square(ab), widest = std::max(from, to) / 2, half_edge = edge_ / 2;
  paint(least(a, b) - Point{widest, widest}, most(a, b) + Point{widest, widest}, color, alpha, [&](Point p) {
    const float t = clamp01(dot(p - a, ab) * inverse), half = (from + t * (to - from)) / 2;
    const float d = length(p - (a + t * ab));
    // The part of a window one edge wide that the line fills: right for hair-thin lines too.
    return std::max(0.0f, std::min(d + half_edge, half) - std::max(d - half_edge, -half)) / edge_;
  });
}

void Canvas::curve(Point a, Point b, Point c, float from, float to, Color color, float alpha) {
  constexpr int pieces = 4;
  Point last = a;
  for (int i = 1; i <= pieces; ++i) {
    const float t = static_cast<float>(i) / pieces, before = static_cast<float>(i - 1) / pieces;
    const Point next = (1 - t) * (1 - t) * a + 2 * t * (1 - t) * b + t * t * c;
    stroke(last, next, from + before * (to - from), from + t * (to - from), color, alpha);
    last = next;
  }
}

std::vector<uint8_t> Canvas::bytes() const {
  std::vector<uint8_t> out;
  out.reserve(pixels_.size() * 3);
  for (const Color& p : pixels_)
    for (float channel : {p.r, p.g, p.b}) out.push_back(static_cast<uint8_t>(255 * clamp01(channel) + 0.5f));
  return out;
}

}  // namespace counterpoise::detail
