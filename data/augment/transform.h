// Changes of place: projective maps of the plane, and how points, boxes, polygons and line strings move with them.
//
//   const Transform t = rotation(30) * scaling(1.2, 1.2);         // the right one first, as with matrices
//   const Transform about = around({width / 2., height / 2.}, t);
//   const Box moved_box = *moved(about, box);
//
// Coordinates are those of annotations.h. All functions are pure and safe to call from any thread.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "data/augment/annotations.h"

namespace counterpoise::augment {

// (x, y) goes to (u / w, v / w), where (u, v, w) = m (x, y, 1). The default is the identity.
struct Transform {
  std::array<std::array<double, 3>, 3> m = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};

  bool affine() const { return m[2][0] == 0 && m[2][1] == 0 && m[2][2] == 1; }
};
inline bool operator==(const Transform& a, const Transform& b) { return a.m == b.m; }

// First b, then a.
Transform operator*(const Transform& a, const Transform& b);
// Throws Error(failure) if points coincide under the transform (however small it makes them, they do not), or its
// numbers are not finite.
Transform inverse(const Transform& transform);
// Of the 3 x 3 matrix. Negative where the transform mirrors.
double determinant(const Transform& transform);

Transform translation(double right, double down);
Transform scaling(double x, double y);
// Clockwise on the screen, about the origin.
Transform rotation(double degrees);
// x becomes x - tan(x_degrees) y, then y becomes y + tan(y_degrees) x: the directions of imgaug.
Transform shear(double x_degrees, double y_degrees = 0);
// The transform with `center` in place of the origin.
Transform around(Point center, const Transform& transform);

// Left and right exchanged in an image of this width: x becomes width - x. Top and bottom likewise.
Transform horizontal_flip(double width);
Transform vertical_flip(double height);
// What keeps the place of a point of an image when it is resized.
Transform resizing(Size from, Size to);

// Whether an image of this size is still more than a speck, and its result more than a part of a pixel: whether neither
// the longer side of the image as it is afterwards nor what the result shows of it is smaller than 1/1000 pixel.
bool resolves(const Transform& transform, Size image);

// Whether a result of the size `to` shows places outside an image of the size `from`.
bool shows_outside(const Transform& transform, Size from, Size to);

// The projective map that takes four points to four points. Throws Error(failure) where three lie on a line.
Transform perspective(const std::array<Point, 4>& from, const std::array<Point, 4>& to);

// Where targets go. A projective map sends some line of the plane to infinity, the horizon; what lies on it or beyond
// would come back from the other side, and is cut off: nothing may be left. Affine maps have no horizon.

constexpr double horizon = 1e-6;  // the smallest w of a point that is seen
inline std::optional<Point> moved(const Transform& transform, Point p) {
  const auto& m = transform.m;
  const double u = m[0][0] * p.x + m[0][1] * p.y + m[0][2], v = m[1][0] * p.x + m[1][1] * p.y + m[1][2];
  if (transform.affine()) return Point{u, v};
  const double w = m[2][0] * p.x + m[2][1] * p.y + m[2][2];
  if (!(w >= horizon)) return {};
  return Point{u / w, v / w};
}
std::optional<Polygon> moved(const Transform& transform, const Polygon& polygon);
// The envelope of the four corners, so that a box that is rotated grows.
std::optional<Box> moved(const Transform& transform, const Box& box);
std::vector<LineString> moved(const Transform& transform, const LineString& line);

}  // namespace counterpoise::augment
