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
// Where ten such parts do not fit into the image, it is the largest in its middle whose ratio is in the range. Where so
// much was enlarged before that the result would show less than a speck (resolves() in transform.h), it is all of it.
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

// Brightness, contrast and saturation by factors, 0 or more, and the hue by turns of the color wheel, from -1/2 to 1/2,
// in an order that is drawn: the formulas of kernels/color.h. The defaults change nothing. What is ColorJitter(0.4) in
// torchvision is ColorJitter{.brightness = {0.6, 1.4}} here.
struct ColorJitter {
  Range brightness = 1, contrast = 1, saturation = 1, hue = 0;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// A color's gray, 0.299 red + 0.587 green + 0.114 blue, in all three channels, with the probability p.
struct Grayscale {
  double p = 1;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// With the probability p fills a rectangle of the image: Zhong et al. 2020, "Random Erasing Data Augmentation". Its
// share of the area is drawn from `scale`, height / width from `ratio`, as in RandomResizedCrop; it is lower and
// narrower than the image, and after ten draws that are not, nothing is erased. It is filled with a color or, with
// `noise`, with levels from 0 to 255 for each pixel and channel. Targets that it hides stay. torchvision fills images
// whose mean was subtracted with zeros; middle gray is near to that.
struct RandomErasing {
  double p = 0.5;
  Range scale = {0.02, 0.33}, ratio = {0.3, 3.3};
  Color fill = {127, 127, 127};
  bool noise = false;

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// 255 - v: the negative of a film.
struct Invert {
  void check() const {}
  void draw(Random& rng, Plan& plan) const;
};

// 255 - v for levels of at least the threshold, which is from 0 to 256; with 256 nothing changes.
struct Solarize {
  Range threshold = {0, 256};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// The functions of levels.h. Pillow and torchvision have no defaults for their parameters; these are AutoAugment's
// ranges.

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
