// The augmenters: changes of place, of pixels, and of targets that have left the image. How they are put together is in
// pipeline.h. Those of pixels are described in pixels.h. Scales and shears that would, after many others, leave no more
// than a speck of the image (resolves() in transform.h) are not made.
#pragma once

#include "data/augment/pipeline.h"

namespace counterpoise::augment {

// Exchanges left and right, with the probability p. What is left and right in the labels of targets, such as a left
// eye, is not exchanged.
struct HorizontalFlip {
  double p = 1;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// Exchanges top and bottom.
struct VerticalFlip {
  double p = 1;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// Removes pixels from the four sides: `percent` is a part of the height or width, 0 to 1, to which `pixels` are added.
// Rounded to whole pixels; at least one is left. With keep_size the rest is enlarged to the size of the image.
struct Crop {
  Range percent = 0, pixels = 0;
  bool keep_size = true;
  bool independently = true;  // each side has a draw of its own

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// The same, where negative numbers crop and positive ones pad: percent -1 to 4.
struct CropAndPad {
  Range percent = 0, pixels = 0;
  bool keep_size = true;
  bool independently = true;
  Border border = Border::constant;
  Color fill = {0, 0, 0};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// About the center of the image: shears top and bottom, scales, shears left and right, rotates clockwise, and
// translates. This is what imgaug 0.4.0 does, in its order. The unreleased imgaug 0.5 takes tanh of the angles of a
// shear; here and there, in scikit-image, it is tan.
struct Affine {
  Range scale = 1;                             // of both axes, with one draw
  Range scale_x = 1, scale_y = 1;              // of each, multiplied by it
  Range translate_x = 0, translate_y = 0;      // parts of the width and height
  Range rotate = 0, shear_x = 0, shear_y = 0;  // degrees; shears between -89 and 89
  Border border = Border::constant;
  Color fill = {0, 0, 0};
  bool fit_output = false;  // a result as large as the image has become, in place of a translation

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// Looks at the image from a side: four points near its corners become the corners. How far each is moved inwards is the
// absolute value of a normal draw, whose standard deviation is drawn from `scale`, as a part of the height or width,
// at most a third. With keep_size the result has the size of the image, else that of the longer sides.
struct PerspectiveTransform {
  Range scale = {0, 0.06};
  bool keep_size = true;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// To another size.
struct ResizeTo {
  // Whether the image is stretched, or becomes as large as fits, in the middle, with bars of a color beside it.
  enum class Fit { stretch, letterbox };

  int height, width;
  Fit fit = Fit::stretch;
  Color fill = {0, 0, 0};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

struct GaussianBlur {
  Range sigma = {0, 3};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

struct AdditiveGaussianNoise {
  Range scale = {0, 15};  // the standard deviation, in levels of 255
  bool per_channel = false;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

struct LinearContrast {
  Range alpha = {0.6, 1.4};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

struct Sharpen {
  Range alpha = {0, 0.2}, lightness = {0.8, 1.2};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

struct Multiply {
  Range factor = {0.8, 1.2};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

struct Add {
  Range value = {-20, 20};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// drop_outside() and clip_to_image() of annotations.h, at this place of a pipeline.
struct DropOutside {
  double least_part = 0;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

struct ClipToImage {
  double least_part = 0;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

}  // namespace counterpoise::augment
