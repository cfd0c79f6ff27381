#include "data/augment/transform.h"

#include <algorithm>
#include <cmath>

#include "data/augment/geometry.h"
#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

constexpr double degree = 0.017453292519943295;

double norm(double x, double y, double z) { return std::sqrt(x * x + y * y + z * z); }

double denominator(const Transform& t, Point p) { return t.m[2][0] * p.x + t.m[2][1] * p.y + t.m[2][2]; }

Point divided(const Transform& t, Point p) {
  const double w = t.affine() ? 1 : denominator(t, p);
  return {(t.m[0][0] * p.x + t.m[0][1] * p.y + t.m[0][2]) / w, (t.m[1][0] * p.x + t.m[1][1] * p.y + t.m[1][2]) / w};
}

// Of a closed polygon, what is seen.
std::vector<Point> seen(const Transform& t, std::vector<Point> points) {
  if (!t.affine()) points = half_plane(points, t.m[2][0], t.m[2][1], t.m[2][2] - horizon);
  for (Point& p : points) p = divided(t, p);
  return points;
}

}  // namespace

Transform operator*(const Transform& a, const Transform& b) {
  Transform y;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) y.m[i][j] = a.m[i][0] * b.m[0][j] + a.m[i][1] * b.m[1][j] + a.m[i][2] * b.m[2][j];
  }
  return y;
}

// The determinant of the matrix without row i and column j, with its sign.
static double cofactor(const Transform& transform, size_t i, size_t j) {
  const auto& m = transform.m;
  const size_t a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
  return m[a][c] * m[b][d] - m[a][d] * m[b][c];
}

double determinant(const Transform& transform) {
  double sum = 0;
  for (size_t j = 0; j < 3; ++j) sum += transform.m[0][j] * cofactor(transform, 0, j);
  return sum;
}

Transform inverse(const Transform& transform) {
  const auto& m = transform.m;
  const double determinant = augment::determinant(transform);
  // What the determinant is measured by: it is smaller by rounding alone where points coincide. An affine transform
  // may shrink as it likes, and translate far.
  const double scale = transform.affine() ? std::hypot(m[0][0], m[0][1]) * std::hypot(m[1][0], m[1][1])
                                          : norm(m[0][0], m[1][0], m[2][0]) * norm(m[0][1], m[1][1], m[2][1]) *
                                                norm(m[0][2], m[1][2], m[2][2]);
  CP_ENSURE(std::isfinite(determinant) && std::isfinite(scale) && std::fabs(determinant) > 1e-15 * scale,
            "a transform cannot be inverted: its determinant is ", determinant);
  Transform y;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) y.m[i][j] = cofactor(transform, j, i) / determinant;
  }
  if (transform.affine()) y.m[2] = {0, 0, 1};
  return y;
}

Transform translation(double right, double down) { return {{{{1, 0, right}, {0, 1, down}, {0, 0, 1}}}}; }

Transform scaling(double x, double y) { return {{{{x, 0, 0}, {0, y, 0}, {0, 0, 1}}}}; }

Transform rotation(double degrees) {
  const double cosine = std::cos(degrees * degree), sine = std::sin(degrees * degree);
  return {{{{cosine, -sine, 0}, {sine, cosine, 0}, {0, 0, 1}}}};
}

Transform shear(double x_degrees, double y_degrees) {
  const Transform x{{{{1, -std::tan(x_degrees * degree), 0}, {0, 1, 0}, {0, 0, 1}}}};
  const Transform y{{{{1, 0, 0}, {std::tan(y_degrees * degree), 1, 0}, {0, 0, 1}}}};
  return y * x;
}

Transform around(Point center, const Transform& transform) {
  return translation(center.x, center.y) * transform * translation(-center.x, -center.y);
}

Transform horizontal_flip(double width) { return {{{{-1, 0, width}, {0, 1, 0}, {0, 0, 1}}}}; }

Transform vertical_flip(double height) { return {{{{1, 0, 0}, {0, -1, height}, {0, 0, 1}}}}; }

Transform resizing(Size from, Size to) {
  CP_ENSURE(from.height > 0 && from.width > 0 && to.height > 0 && to.width > 0, "an image of ", from.width, " x ",
            from.height, " pixels cannot be resized to ", to.width, " x ", to.height);
  return scaling(double(to.width) / from.width, double(to.height) / from.height);
}

bool resolves(const Transform& transform, Size image) {
  // The derivative at the center of the image, and its singular values: how much it enlarges at most and at least.
  const auto& m = transform.m;
  const Point center{image.width / 2.0, image.height / 2.0};
  const double w = transform.affine() ? 1 : denominator(transform, center);
  if (std::fabs(w) < horizon) return true;  // it is not seen
  const Point to = divided(transform, center);
  const double a = (m[0][0] - to.x * m[2][0]) / w, b = (m[0][1] - to.x * m[2][1]) / w;
  const double c = (m[1][0] - to.y * m[2][0]) / w, d = (m[1][1] - to.y * m[2][1]) / w;
  const double most = (std::hypot(a + d, b - c) + std::hypot(a - d, b + c)) / 2,
               least = std::fabs(a * d - b * c) / most;
  constexpr double smallest = 1e-3;
  const double side = std::max(image.width, image.height);
  return least * side >= smallest && side >= smallest * most;
}

bool shows_outside(const Transform& transform, Size from, Size to) {
  const Transform back = inverse(transform);
  for (const Point corner : corners({0, 0, double(to.width), double(to.height)})) {
    constexpr double e = 1e-7;  // rounding
    const std::optional<Point> p = moved(back, corner);
    if (!p || p->x < -e || p->y < -e || p->x > from.width + e || p->y > from.height + e) return true;
  }
  return false;
}

Transform perspective(const std::array<Point, 4>& from, const std::array<Point, 4>& to) {
  // Eight linear equations for the entries but the last, which is 1, solved by elimination with pivoting. The first
  // point is the origin in them: there, and so at all four, the denominator is positive, wherever the horizon is.
  double a[8][9] = {};
  for (size_t i = 0; i < 4; ++i) {
    const double x = from[i].x - from[0].x, y = from[i].y - from[0].y, u = to[i].x, v = to[i].y;
    const double first[9] = {x, y, 1, 0, 0, 0, -u * x, -u * y, u}, second[9] = {0, 0, 0, x, y, 1, -v * x, -v * y, v};
    std::copy(first, first + 9, a[2 * i]);
    std::copy(second, second + 9, a[2 * i + 1]);
  }
  for (size_t k = 0; k < 8; ++k) {
    size_t pivot = k;
    for (size_t i = k + 1; i < 8; ++i) {
      if (std::fabs(a[i][k]) > std::fabs(a[pivot][k])) pivot = i;
    }
    CP_ENSURE(std::fabs(a[pivot][k]) > 1e-9, "four points with three on a line define no perspective transform");
    std::swap_ranges(a[k], a[k] + 9, a[pivot]);
    for (size_t i = 0; i < 8; ++i) {
      if (i == k) continue;
      const double factor = a[i][k] / a[k][k];
      for (size_t j = k; j < 9; ++j) a[i][j] -= factor * a[k][j];
    }
  }
  Transform y;
  for (size_t k = 0; k < 8; ++k) y.m[k / 3][k % 3] = a[k][8] / a[k][k];
  return y * translation(-from[0].x, -from[0].y);
}

std::optional<Polygon> moved(const Transform& transform, const Polygon& polygon) {
  Polygon y{seen(transform, polygon.points), polygon.label, polygon.object};
  if (y.points.size() < 3) return {};
  return y;
}

std::optional<Box> moved(const Transform& transform, const Box& box) {
  const std::vector<Point> points = seen(transform, corners(box));
  if (points.empty()) return {};
  Box y = envelope(points);
  y.label = box.label, y.object = box.object;
  return y;
}

std::vector<LineString> moved(const Transform& transform, const LineString& line) {
  std::vector<LineString> pieces;
  for (size_t i = 0; i < line.points.size(); ++i) {
    const Point p = line.points[i];
    const double w = transform.affine() ? 1 : denominator(transform, p) - horizon;
    if (i > 0) {
      const Point q = line.points[i - 1];
      const double before = transform.affine() ? 1 : denominator(transform, q) - horizon;
      if ((before >= 0) != (w >= 0)) {  // the segment crosses the horizon
        const double t = before / (before - w);
        const Point at = divided(transform, {q.x + t * (p.x - q.x), q.y + t * (p.y - q.y)});
        if (w >= 0) pieces.push_back({{at}, line.label, line.object});
        else pieces.back().points.push_back(at);
      }
    }
    if (w < 0) continue;
    if (i == 0) pieces.push_back({{}, line.label, line.object});
    pieces.back().points.push_back(divided(transform, p));
  }
  return pieces;
}

}  // namespace counterpoise::augment
