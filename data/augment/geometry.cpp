#include "data/augment/geometry.h"

#include <algorithm>
#include <cmath>

#include "kernels/error.h"

namespace counterpoise::augment {

double signed_area(const Polygon& polygon) {
  const std::vector<Point>& p = polygon.points;
  double twice = 0;
  // (From the first corner, so that a small polygon far away loses no digits.)
  for (size_t i = 1; i + 1 < p.size(); ++i) {
    twice += (p[i].x - p[0].x) * (p[i + 1].y - p[0].y) - (p[i + 1].x - p[0].x) * (p[i].y - p[0].y);
  }
  return twice / 2;
}

double area(const Polygon& polygon) { return std::fabs(signed_area(polygon)); }

double area(const Box& box) { return (box.right - box.left) * (box.bottom - box.top); }

bool clockwise(const Polygon& polygon) { return signed_area(polygon) > 0; }

double length(const LineString& line) {
  double sum = 0;
  for (size_t i = 1; i < line.points.size(); ++i) {
    sum += std::hypot(line.points[i].x - line.points[i - 1].x, line.points[i].y - line.points[i - 1].y);
  }
  return sum;
}

Box envelope(const std::vector<Point>& points) {
  CP_ENSURE(!points.empty(), "no points have no envelope");
  Box box{points[0].x, points[0].y, points[0].x, points[0].y};
  for (const Point p : points) {
    box.left = std::min(box.left, p.x), box.right = std::max(box.right, p.x);
    box.top = std::min(box.top, p.y), box.bottom = std::max(box.bottom, p.y);
  }
  return box;
}

std::vector<Point> corners(const Box& box) {
  return {{box.left, box.top}, {box.right, box.top}, {box.right, box.bottom}, {box.left, box.bottom}};
}

bool contains(Size image, Point p) { return 0 <= p.x && p.x < image.width && 0 <= p.y && p.y < image.height; }

bool contains(const Box& box, Point p) {
  return box.left <= p.x && p.x <= box.right && box.top <= p.y && p.y <= box.bottom;
}

bool contains(const Polygon& polygon, Point p) {
  bool inside = false;
  const size_t n = polygon.points.size();
  for (size_t i = 0; i < n; ++i) {
    const Point a = polygon.points[i], b = polygon.points[(i + 1) % n];
    if ((a.y > p.y) == (b.y > p.y)) continue;
    if (p.x < a.x + (p.y - a.y) / (b.y - a.y) * (b.x - a.x)) inside = !inside;
  }
  return inside;
}

std::optional<Box> clipped(const Box& box, Size image) {
  Box y = box;
  y.left = std::max(box.left, 0.0), y.right = std::min<double>(box.right, image.width);
  y.top = std::max(box.top, 0.0), y.bottom = std::min<double>(box.bottom, image.height);
  if (y.left < y.right && y.top < y.bottom) return y;
  return {};
}

std::vector<Point> half_plane(const std::vector<Point>& points, double a, double b, double c) {
  std::vector<Point> y;
  const size_t n = points.size();
  for (size_t i = 0; i < n; ++i) {
    const Point p = points[i], q = points[(i + 1) % n];
    const double from = a * p.x + b * p.y + c, to = a * q.x + b * q.y + c;
    if (from >= 0) y.push_back(p);
    if ((from >= 0) == (to >= 0)) continue;
    const double t = from / (from - to);
    y.push_back({p.x + t * (q.x - p.x), p.y + t * (q.y - p.y)});
  }
  return y;
}

std::optional<Polygon> clipped(const Polygon& polygon, Size image) {
  const double width = image.width, height = image.height;
  Polygon y = polygon;
  y.points = half_plane(y.points, 1, 0, 0);
  y.points = half_plane(y.points, -1, 0, width);
  y.points = half_plane(y.points, 0, 1, 0);
  y.points = half_plane(y.points, 0, -1, height);
  // (An intersection may be beyond the edge by rounding.)
  for (Point& p : y.points) p = {std::clamp(p.x, 0.0, width), std::clamp(p.y, 0.0, height)};
  if (y.points.size() >= 3 && area(y) > 0) return y;
  return {};
}

std::pair<double, double> part_within(const Box& box, Point a, Point b) {
  double first = 0, last = 1;
  const double dx = b.x - a.x, dy = b.y - a.y;
  // Each pair: how fast the line goes out through a side, and how far that is away.
  for (const auto& [speed, distance] :
       {std::pair{-dx, a.x - box.left}, {dx, box.right - a.x}, {-dy, a.y - box.top}, {dy, box.bottom - a.y}}) {
    if (speed < 0) first = std::max(first, distance / speed);
    else if (speed > 0) last = std::min(last, distance / speed);
    else if (distance < 0) last = -1;
  }
  return {first, last};
}

std::vector<LineString> clipped(const LineString& line, Size image) {
  const double width = image.width, height = image.height;
  std::vector<LineString> pieces;
  bool open = false;  // the last piece ends where the next segment begins, if that begins inside
  for (size_t i = 1; i < line.points.size(); ++i) {
    const Point p = line.points[i - 1], q = line.points[i];
    const double dx = q.x - p.x, dy = q.y - p.y;
    const auto [enter, leave] = part_within({0, 0, width, height}, p, q);
    const auto at = [&](double t) {
      return Point{std::clamp(p.x + t * dx, 0.0, width), std::clamp(p.y + t * dy, 0.0, height)};
    };
    if (enter >= leave) {
      open = false;
      continue;
    }
    if (!open || enter > 0) pieces.push_back({{at(enter)}, line.label, line.object});
    pieces.back().points.push_back(leave < 1 ? at(leave) : q);
    open = true;
  }
  pieces.erase(std::remove_if(pieces.begin(), pieces.end(), [](const LineString& y) { return !(length(y) > 0); }),
               pieces.end());
  return pieces;
}

SegmentationMap mask_of(const Polygon& polygon, Size image, int32_t label) {
  CP_ENSURE(image.height > 0 && image.width > 0, "a mask has at least one pixel, not ", image.width, " x ",
            image.height);
  SegmentationMap mask{image.height, image.width, std::vector<int32_t>(size_t(image.height) * image.width)};
  for (int i = 0; i < image.height; ++i) {
    for (int j = 0; j < image.width; ++j) {
      if (contains(polygon, {j + 0.5, i + 0.5})) mask.labels[size_t(i) * image.width + j] = label;
    }
  }
  return mask;
}

}  // namespace counterpoise::augment
