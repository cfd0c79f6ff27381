// The elastic deformation of handwriting, for all that is soft.
//
//   const augment::Augmenter soft = augment::Sometimes{0.5, augment::ElasticTransform{25, 5}};
//
// Errors and thread safety are those of pipeline.h.
#pragma once

#include "data/augment/displacement.h"
#include "data/augment/pipeline.h"

namespace counterpoise::augment {

// Simard, Steinkraus and Platt 2003, "Best Practices for Convolutional Neural Networks Applied to Visual Document
// Analysis": each pixel is displaced by a random field, uniform in [-1, 1] to the right and downwards, which is
// smoothed with a Gaussian of the standard deviation sigma, in pixels, and multiplied by alpha. A typical displacement
// has 0.16 alpha / sigma pixels in each direction: 0.8 by default. The deviation of the Gaussian is at least 1 pixel.
//
// torchvision's alpha, 50 by default, counts halves of a pixel: it is twice the one here, imgaug's is the same. Neither
// of them moves targets exactly, because a strong field folds the image. Here the field is scaled down until its
// steepness() is 3/4, where it is above that, so that everything can be followed.
struct ElasticTransform {
  Range alpha = 25, sigma = 5;
  Border border = Border::constant;
  Color fill = {0, 0, 0};

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

// The displacement that ElasticTransform makes of two random numbers and its parameters.
Displacement elastic_displacement(Size image, double alpha, double sigma, Random& rng);

}  // namespace counterpoise::augment
