// The augmenters that networks are trained with today, named as in torchvision.transforms.v2, whose defaults they have.
//
//   const augment::Augmenter imagenet = augment::Sequential{{
//       augment::RandomResizedCrop{224, 224},
//       augment::HorizontalFlip{0.5},
//   }};
//   const augment::Augmenter cifar = augment::Sequential{{
//       augment::RandomCrop{.padding = 4},
//       augment::HorizontalFlip{0.5},
//   }};
//
// What is marked on the image follows its changes of place. For a change that torchvision makes with a probability p,
// put it into Sometimes{p, ...}. Errors and thread safety are those of pipeline.h.
#pragma once

#include "data/augment/pipeline.h"

namespace counterpoise::augment {

// A part of the image, enlarged or reduced to height x width, where 0 means the size of the image: Szegedy et al. 2015,
// "Going Deeper with Convolutions". The area of the part is drawn from `scale`, as a share of the image's, and width /
// height from `ratio`, such that its logarithm is equally likely everywhere. Both sides are rounded to whole pixels.
// Where ten such parts do not fit into the image, it is the largest in its middle whose ratio is in the range.
struct RandomResizedCrop {
  int height = 0, width = 0;
  Range scale = {0.08, 1}, ratio = {3. / 4, 4. / 3};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// height x width pixels, where 0 means the size of the image, at a place that is drawn, after `padding` pixels were
// added at each side: with 4, the augmentation of CIFAR-10 in He et al. 2016, "Deep Residual Learning for Image
// Recognition". A padded image that is smaller lies anywhere in the result (torchvision's pad_if_needed).
struct RandomCrop {
  int height = 0, width = 0;
  int padding = 0;
  Border border = Border::constant;
  Color fill = {0, 0, 0};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// The functions of levels.h. Pillow and torchvision have no defaults for their parameters; these are AutoAugment's
// ranges.

struct Invert {
  void check() const {}
  void draw(Random& rng, Plan& plan) const;
};

struct Solarize {
  Range threshold = {0, 256};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

struct Posterize {
  Range bits = {4, 8};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

struct AutoContrast {
  void check() const {}
  void draw(Random& rng, Plan& plan) const;
};

struct Equalize {
  void check() const {}
  void draw(Random& rng, Plan& plan) const;
};

struct Sharpness {
  Range factor = {0.1, 1.9};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

}  // namespace counterpoise::augment
