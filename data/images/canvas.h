// A canvas on which soft-edged shapes are painted: the synthetic images are drawn with it.
//
// Shapes are given in the units of the current pose, not in pixels, so a drawing looks the same at every size. A pixel
// is painted in proportion to the part of it that a shape covers, measured across an edge `softness` wide: a crisp
// canvas is antialiased, a softer one is out of focus, and neither needs a second pass. A canvas is not safe to use
// from several threads at once.
//
//   Canvas canvas(48, 0.02f);
//   canvas.set_pose({{0.5f, 0.5f}, {0.3f, 0}, {0, 0.3f}});    // from now on a unit is 0.3 of the image
//   canvas.ellipse({0, 0}, {1, 1}, {0.9f, 0.5f, 0.2f});       // a ginger disc in the middle
//   std::vector<uint8_t> rgb = canvas.bytes();
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace counterpoise::detail {

struct Point {
  float x, y;  // to the right and downwards
};

struct Color {
  float r, g, b;  // 0 to 1 each
};

// Point (x, y) of a drawing lies at origin + x*right + y*down of the image, whose corners are
// (0,0) and (1,1).
struct Pose {
  Point origin{0, 0}, right{1, 0}, down{0, 1};
};

Point operator+(Point a, Point b);
Point operator*(float s, Point p);
Color mix(Color a, Color b, float t);  // a at t = 0, b at t = 1

class Canvas {
 public:
  // A black canvas of size x size pixels; `softness` is the width of an edge as a part of the
  // image's side, at least a pixel. Throws Error where size < 1.
  Canvas(int size, float softness);

  // Places the shapes that follow. A pose may mirror; throws Error for one whose unit square has no area.
  void set_pose(const Pose& pose);
  // Confines the shapes that follow to an ellipse of the current pose, until unclip().
  void clip(Point center, Point radii);
  void unclip() { clipped_ = false; }

  // The shapes are painted with `color` where alpha is 1, and blended with what is there where alpha is less.

  // An ellipse whose axes are `radii` long, the first one along (1, tilt).
  void ellipse(Point center, Point radii, Color color, float alpha = 1, float tilt = 0);
  // The points within `rounding` of a triangle.
  void triangle(Point a, Point b, Point c, float rounding, Color color, float alpha = 1);
  // A straight line from a to b, `from` wide at a and `to` wide at b, with round ends.
  void stroke(Point a, Point b, float from, float to, Color color, float alpha = 1);
  // A curve of strokes that leaves a towards b and arrives at c (a quadratic Bezier curve).
  void curve(Point a, Point b, Point c, float from, float to, Color color, float alpha = 1);

  // pixel = change(pixel, place in the image): Color(Color, Point), rows from the top, for
  // light and noise.
  template <class Change>
  void each_pixel(Change change) {
    for (int y = 0; y < size_; ++y)
      for (int x = 0; x < size_; ++x) {
        Color& pixel = pixels_[static_cast<size_t>(y) * size_ + x];
        pixel = change(pixel, Point{(x + 0.5f) / size_, (y + 0.5f) / size_});
      }
  }

  // The image: size x size x 3 bytes, HWC, rounded; values outside 0 to 1 are clamped.
  std::vector<uint8_t> bytes() const;

 private:
  struct Ellipse {
    Point center, axis, inverse;  // the direction of the first radius; 1 / radii
    float distance(Point p) const;
  };

  template <class Coverage>
  void paint(Point low, Point high, Color color, float alpha, Coverage coverage);
  // The part of a pixel that is covered by a shape whose edge is `distance` away, negative inside.
  float covered(float distance) const;

  int size_;
  float softness_;  // of the image
  float edge_ = 1;  // the same in units of the pose
  Pose pose_, inverse_;
  bool clipped_ = false;
  Ellipse clip_{};
  std::vector<Color> pixels_;
};

}  // namespace counterpoise::detail
