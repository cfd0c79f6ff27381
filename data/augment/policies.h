// Augmentation policies: which operation is made with an image, and how strongly, is drawn from a table.
//
//   const augment::Augmenter policy = augment::TrivialAugmentWide{};
//   const augment::Augmenter usual = augment::Sequential{{
//       augment::RandomResizedCrop{224, 224},
//       augment::HorizontalFlip{0.5},
//       augment::RandAugment{.n = 2, .magnitude = 9},
//   }};
//
// Operations, magnitudes, signs and probabilities are those of the classes of the same names in
// torchvision.transforms.v2. Here everything that is marked on the image follows its changes of place, images are
// interpolated bilinearly (nearest by default in torchvision), and changes of place that follow each other are one
// resampling. Errors and thread safety are those of pipeline.h.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "data/augment/pipeline.h"

namespace counterpoise::augment {

// What is done, and what its magnitude m is.
enum class Operation {
  identity,
  shear_x,        // x becomes x - m y, from the upper left corner
  shear_y,        // y becomes y - m x
  translate_x,    // to the right by m pixels, without the part after the decimal point
  translate_y,    // downwards
  rotate,         // counter-clockwise about the center, in degrees
  brightness,     // times 1 + m; as Color, Contrast and Sharpness, ColorJitter's and Sharpness's factor
  color,          // saturation
  contrast,       //
  sharpness,      //
  posterize,      // bits that are kept
  solarize,       // the threshold, as a share of 255
  auto_contrast,  // no magnitude, as identity, equalize and invert
  equalize,       //
  invert,         //
};

// torchvision's name: "ShearX".
std::string to_string(Operation operation);

// Whether the magnitude of the policies is made negative for half of the images.
bool has_sign(Operation operation);

// The magnitude that a table has at `part` of its range, 0 to 1, for an image of this size; 0 for operations that have
// none. Posterize is rounded to whole bits, half of one to the even number.
enum class Magnitudes {
  moderate,  // AutoAugment's and RandAugment's: a shear of 0.3, a translation by 150/331 of the side, 30 degrees, ...
  wide,      // TrivialAugmentWide's: a shear of 0.99, a translation by 32 pixels, 135 degrees, ...
};
double magnitude(Operation operation, Magnitudes magnitudes, double part, Size image);

// One operation, with a magnitude that is not drawn.
struct PolicyOperation {
  Operation operation = Operation::identity;
  double magnitude = 0;
  Color fill = {0, 0, 0};  // what comes in from outside

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// Cubuk et al. 2020, "RandAugment: Practical Automated Data Augmentation with a Reduced Search Space": n times one of
// the operations but Invert, which are all equally likely, with one magnitude for all: 0 to bins - 1.
struct RandAugment {
  int n = 2;
  double magnitude = 9;
  int bins = 31;
  Color fill = {0, 0, 0};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// Müller and Hutter 2021, "TrivialAugment: Tuning-free Yet State-of-the-Art Data Augmentation": one of the same
// operations, with one of `bins` magnitudes, all equally likely. There is nothing to tune.
struct TrivialAugmentWide {
  int bins = 31;
  Color fill = {0, 0, 0};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// The policies that were learned on these data sets.
enum class AutoAugmentPolicy { cifar10, imagenet };

// Cubuk et al. 2019, "AutoAugment: Learning Augmentation Strategies from Data": one of 25 pairs of operations, each of
// which is made with its own probability and level.
struct AutoAugment {
  AutoAugmentPolicy policy = AutoAugmentPolicy::cifar10;
  Color fill = {0, 0, 0};

  void check() const {}
  void draw(Random& rng, Plan& plan) const;
};

// A pair's operations. Levels 0 to 9 are ninths of the range of moderate magnitudes.
struct PolicyStep {
  Operation operation;
  double p;
  int level;
};
const std::array<std::array<PolicyStep, 2>, 25>& policy_steps(AutoAugmentPolicy policy);

}  // namespace counterpoise::augment
