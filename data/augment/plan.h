// What an augmentation has drawn for one image: the changes, in order, with all their numbers.
//
// A plan changes an image and everything that is marked on it, or several images alike, such as the frames of a film.
// Changes of place that follow each other are composed, so that an image is resampled once for all of them and stays
// sharp. A plan may be used by several threads at once.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "data/augment/annotations.h"
#include "data/augment/displacement.h"
#include "data/augment/transform.h"
#include "data/augment/warp.h"
#include "kernels/image_transform.h"

namespace counterpoise::augment {

class Plan {
 public:
  // Nothing is changed yet, of images of this size.
  explicit Plan(Size image) : from_(image), size_(image) {}

  // The size of the image after the changes so far.
  Size size() const { return size_; }
  // Where the changes of place take a point, apart from displacements.
  const Transform& transform() const { return transform_; }
  // Whether what is seen has become its mirror image, so that a left hand looks like a right one: after an odd number
  // of flips, horizontal or vertical.
  bool mirrors() const;
  // How often the image is resampled.
  int resamplings() const;

  // Each of these adds a change that is made after those so far.

  // Moves the image and all targets into a result of another size. Throws Error(failure) where that has no pixels, or
  // more than 16384 a side.
  void move(const Transform& transform, Size to, Border border = Border::constant, Color fill = {0, 0, 0});
  // Displaces the image and all targets: see displaced().
  void displace(Displacement field, Border border = Border::constant, Color fill = {0, 0, 0});
  // Changes the color of each pixel by a formula. Formulas that follow each other are computed together, rounded once.
  void color(ColorFormula formula, float a, float b = 0);
  // Fills a rectangle of whole pixels, of which a part may lie outside of the image. Targets that it hides stay.
  void erase(int left, int top, int right, int bottom, Color fill);
  // Changes the pixels in their places; targets stay. `change` must keep the size.
  void change_image(std::function<void(Image&)> change);
  // Changes anything.
  void change(std::function<void(Annotated&)> change);

  // The same changes as a transform of a backend, where they are one: at most one affine change of place that keeps the
  // size, then changes of color, then one erased rectangle. A backend computes in float, and does not round in between.
  std::optional<ImageTransform> image_transform() const;

  // The image with its targets after all changes. Targets are kept where they have gone to, also outside the image;
  // only what a perspective transform takes beyond its horizon is cut off. Throws Error(bad_data) as check() does, and
  // for an image of another size.
  Annotated operator()(const Annotated& annotated) const;

 private:
  struct Step {
    std::optional<Warp> warp;
    Size from;
    bool exposes = false;  // the result shows places outside the image
    std::vector<ColorChange> colors;
    std::optional<ImageTransform::Rectangle> erased;
    std::function<void(Annotated&)> change;
    bool displaces = false;  // what `change` does
  };

  Size from_, size_;
  Transform transform_;
  std::vector<Step> steps_;
};

}  // namespace counterpoise::augment
