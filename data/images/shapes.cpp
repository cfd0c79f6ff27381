#include "data/images/shapes.h"

#include <algorithm>
#include <cmath>

#include "core/random.h"
#include "data/images/canvas.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

using namespace detail;

// How hard the images are to tell apart.
namespace difficulty {
constexpr float smallest = 0.25f, largest = 0.4f;  // the half width of a shape, of the image's side
constexpr float brightest = 0.6f;                  // the background, of white
constexpr float contrast = 0.3f;                   // the smallest difference between shape and background, per channel
constexpr float clutter = 0.4f;                    // of lines and spots
constexpr float noise = 0.05f;                     // standard deviation of the strongest, of white
constexpr float blur = 0.02f;                      // width of the softest edge, of the image's side
constexpr float light = 0.4f;                      // how much the light may change from one side to the other
constexpr int lines = 3, spots = 4;                // of the background, at most
}  // namespace difficulty

constexpr float pi = 3.14159265f;
constexpr float rounding = 0.04f;  // of corners; it also closes the seams between triangles

Point around(float radius, float angle) { return {radius * std::cos(angle), radius * std::sin(angle)}; }

Color operator*(float s, Color c) { return {s * c.r, s * c.g, s * c.b}; }
float difference(Color a, Color b) { return std::abs(a.r - b.r) + std::abs(a.g - b.g) + std::abs(a.b - b.b); }

// Draws one image. In the units of the shape its center is (0,0) and its half width about 1.
class ShapeArtist {
 public:
  ShapeArtist(size_t kind, int size, Random rng)
      : kind_(kind), rng_(rng), canvas_(size, difficulty::blur * rng_.uniform()) {}

  std::vector<uint8_t> draw() {
    background();
    const float scale = rng_.uniform(difficulty::smallest, difficulty::largest), angle = rng_.uniform(0, 2 * pi);
    const float room = 0.5f - scale;
    Pose pose;
    pose.origin = {0.5f + spread(room), 0.5f + spread(room)};
    pose.right = around(scale, angle);
    pose.down = {-pose.right.y, pose.right.x};
    canvas_.set_pose(pose);
    shape();
    canvas_.set_pose(Pose{});
    light_and_noise();
    return canvas_.bytes();
  }

 private:
  float spread(float x) { return rng_.uniform(-x, x); }
  Color any_color() { return {rng_.uniform(), rng_.uniform(), rng_.uniform()}; }
  Color dark_color() { return difficulty::brightest * any_color(); }
  // A color that can be told from these two.
  Color other_color(Color a, Color b) {
    Color color = any_color();
    for (int tries = 0; tries < 50; ++tries) {
      if (std::min(difference(color, a), difference(color, b)) > 3 * difficulty::contrast) break;
      color = any_color();
    }
    return color;
  }

  void background() {
    const Color top = dark_color(), bottom = mix(top, dark_color(), 0.6f);
    const Point slope = around(1, rng_.uniform(0, 2 * pi));
    canvas_.each_pixel([&](Color, Point p) {
      return mix(top, bottom, std::min(std::max(0.5f + slope.x * (p.x - 0.5f) + slope.y * (p.y - 0.5f), 0.0f), 1.0f));
    });
    color_ = other_color(top, bottom);
    // Lines and spots, thinner and smaller than a shape, some of them in its color.
    const uint64_t lines = rng_.below(difficulty::lines + 1), spots = rng_.below(difficulty::spots + 1);
    for (uint64_t i = 0; i < lines; ++i) {
      const Point a{rng_.uniform(), rng_.uniform()}, b{rng_.uniform(), rng_.uniform()};
      const float width = rng_.uniform(0.01f, 0.05f);
      canvas_.stroke(a, b, width, width, rng_.below(2) ? color_ : any_color(), difficulty::clutter);
    }
    for (uint64_t i = 0; i < spots; ++i) {
      const float radius = rng_.uniform(0.02f, 0.07f);
      canvas_.ellipse({rng_.uniform(), rng_.uniform()}, {radius, radius * rng_.uniform(0.5f, 1)},
                      rng_.below(2) ? color_ : any_color(), difficulty::clutter, spread(2));
    }
  }

  // The polygon with these corners, of which the line to (0,0) runs inside.
  void polygon(const std::vector<Point>& corners) {
    for (size_t i = 0; i < corners.size(); ++i) {
      canvas_.triangle({0, 0}, corners[i], corners[(i + 1) % corners.size()], rounding, color_);
    }
  }
  void box(float x, float y) { polygon({{-x, -y}, {x, -y}, {x, y}, {-x, y}}); }
  // A line along a circle, whose width at a part t of its length is width(t).
  template <class Width>
  void arc(float radius, float from, float to, const Width& width) {
    constexpr int pieces = 32;
    for (int i = 0; i < pieces; ++i) {
      const float t = static_cast<float>(i) / pieces, next = static_cast<float>(i + 1) / pieces;
      canvas_.stroke(around(radius, from + t * (to - from)), around(radius, from + next * (to - from)), width(t),
                     width(next), color_);
    }
  }

  void shape() {
    const float form = rng_.uniform();  // within what a kind may look like
    switch (kind_) {
      case 0:
        return canvas_.ellipse({0, 0}, {0.9f, 0.9f}, color_);
      case 1:
        return canvas_.ellipse({0, 0}, {1, 0.5f + 0.2f * form}, color_);
      case 2: {
        const float width = 0.2f + 0.2f * form;
        return arc(0.92f - width / 2, 0, 2 * pi, [&](float) { return width; });
      }
      case 3: {
        const float widest = 0.4f + 0.25f * form;
        return arc(0.75f, -1.9f, 1.9f, [&](float t) { return std::max(widest * std::sin(pi * t), 0.02f); });
      }
      case 4: {
        std::vector<Point> corners;
        for (int i = 0; i < 3; ++i) corners.push_back(around(1, 2 * pi * i / 3 + 0.3f * (form - 0.5f) * i));
        return polygon(corners);
      }
      case 5:
        return box(0.75f, 0.75f);
      case 6:
        return box(0.95f, 0.4f + 0.15f * form);
      case 7: {
        const float width = 0.2f + 0.1f * form;
        box(0.95f, width);
        return box(width, 0.95f);
      }
      case 8: {
        std::vector<Point> corners;
        for (int i = 0; i < 10; ++i) corners.push_back(around(i % 2 ? 0.4f + 0.1f * form : 1, 2 * pi * i / 10));
        return polygon(corners);
      }
      default: {
        const float width = 0.15f + 0.1f * form;
        canvas_.stroke({-0.9f, 0}, {0.2f, 0}, 2 * width, 2 * width, color_);
        return canvas_.triangle({0.95f, 0}, {0.05f, -0.7f}, {0.05f, 0.7f}, rounding, color_);
      }
    }
  }

  void light_and_noise() {
    const Point slope = around(difficulty::light * rng_.uniform(), rng_.uniform(0, 2 * pi));
    // The sum of two uniform bytes has a bell-shaped distribution, with standard deviation 104.5.
    const float noise = difficulty::noise * rng_.uniform() / 104.5f;
    canvas_.each_pixel([&](Color c, Point p) {
      const float lit = 1 + slope.x * (p.x - 0.5f) + slope.y * (p.y - 0.5f);
      const uint32_t b = rng_.bits();
      const float gray = noise * (static_cast<float>((b & 255) + (b >> 8 & 255)) - 255);
      return Color{lit * c.r + gray, lit * c.g + gray, lit * c.b + gray};
    });
  }

  const size_t kind_;
  Random rng_;
  Canvas canvas_;
  Color color_{};
};

}  // namespace

const std::vector<std::string>& shape_names() {
  static const std::vector<std::string> names = {"disc",   "ellipse",   "ring",  "crescent", "triangle",
                                                 "square", "rectangle", "cross", "star",     "arrow"};
  return names;
}

std::vector<uint8_t> draw_shape(size_t kind, int size, uint64_t seed, uint64_t index) {
  CP_ENSURE(kind < shape_names().size(), "draw_shape: there is no kind ", kind, "; they are 0 to ",
            shape_names().size() - 1);
  CP_ENSURE(size >= 8, "draw_shape: an image of ", size, "x", size, " pixels is too small; give at least 8");
  constexpr uint64_t first_stream = 16;  // beyond those of the synthetic animals
  return ShapeArtist(kind, size, Random(seed, Stream::draw, first_stream + kind, index)).draw();
}

static std::vector<std::string> first_shapes(size_t n) {
  const std::vector<std::string>& all = shape_names();
  CP_ENSURE_AS(invalid_argument, n >= 2 && n <= all.size(), "SyntheticShapes: ", n, " kinds of shapes; there are 2 to ",
               all.size());
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n)};
}

SyntheticShapes::SyntheticShapes(const std::vector<int64_t>& counts, int image_size, uint64_t seed)
    : ImageDataset(first_shapes(counts.size()), image_size), seed_(seed) {
  for (size_t kind = 0; kind < counts.size(); ++kind) {
    CP_ENSURE_AS(invalid_argument, counts[kind] >= 0, "SyntheticShapes: ", counts[kind], " images of a ",
                 classes()[kind]);
    first_.push_back(samples_.size());
    for (int64_t i = 0; i < counts[kind]; ++i) {
      samples_.push_back({detail::text("synthetic/", classes()[kind], ".", i), static_cast<int32_t>(kind)});
    }
  }
}

std::vector<uint8_t> SyntheticShapes::read(const Sample& sample, size_t i) const {
  const size_t kind = static_cast<size_t>(sample.label);
  return draw_shape(kind, image_size(), seed_, i - first_[kind]);
}

}  // namespace counterpoise
