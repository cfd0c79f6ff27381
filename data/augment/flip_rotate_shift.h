// The lectures' augmentation: Keras' RandomFlip("horizontal") and RandomRotation, and the shift that CIFAR is trained
// with.
//
//   const augment::Augmenter lectures = augment::FlipRotateShift{true, {-0.2, 0.2}};
#pragma once

#include "data/augment/pipeline.h"

namespace counterpoise::augment {

// Mirrors left and right in half of the images, rotates counter-clockwise about the center by an angle in whole turns,
// and shifts by whole pixels, as many as are drawn from -shift to shift in each direction. Outside is the mirror image,
// or black where there is a shift: that is a crop of the size of the image, from the image with a black edge.
//
// The numbers for flip and rotation are drawn first, also where both are off, and those of a shift only where it is
// on: switching one on does not change what the others draw.
struct FlipRotateShift {
  bool flip = false;
  Range turns = 0;  // -1 to 1
  int shift = 0;    // 0 to 64

  void check() const;
  void draw(Random& rng, Plan& plan) const;
};

}  // namespace counterpoise::augment
