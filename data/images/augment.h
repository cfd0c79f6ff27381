// Random flips and rotations of training images, as Keras' RandomFlip("horizontal") followed by
// RandomRotation do them, on their way from bytes to floats.
//
//   const Augment augmentation = parse_augment("flip,rotate=0.2");
//   Random rng(seed, Stream::augment, epoch, sample);
//   augment(augmentation, rng, rgb, 160, 160, pixels);
#pragma once

#include <cstdint>
#include <string>

#include "core/random.h"

namespace counterpoise {

struct Augment {
  bool flip = false;  // left and right change places in half of the images
  float rotate = 0;   // the angle is uniform in [-rotate, rotate] whole turns
};

// "none", or one or both of "flip" and "rotate=R", 0 <= R <= 1, with a comma in between. Throws
// Error(invalid_argument), which says so, for anything else.
Augment parse_augment(const std::string& description);

// The shortest text from which parse_augment makes the same.
std::string to_string(const Augment& augment);

// What a draw makes of a image: mirrored first where `flip`, then turned counter-clockwise by `angle` radians.
struct FlipRotation {
  float angle = 0;
  bool flip = false;
};

// Takes two numbers from rng whatever `augment` says, so that switching one change on does not alter the other.
FlipRotation draw_flip_rotation(const Augment& augment, Random& rng);

// The image rgb, height x width x 3 bytes, flipped and rotated at random, as floats from 0 to 255
// in `out` (the same shape, no overlap), as draw_flip_rotation() says.
void augment(const Augment& augment, Random& rng, const uint8_t* rgb, int height, int width, float* out);

// The image, mirrored first where `flip`, turned counter-clockwise by `angle` radians about its
// center ((width-1)/2, (height-1)/2). The size stays: corners are cut off, and what comes in from
// outside is the image mirrored at its edges, d c b a | a b c d | d c b a. Bilinear; the formula
// is in kernels/image_transform.h. Shapes as for augment(). Throws Error where height or width is not positive.
void rotate(float angle, bool flip, const uint8_t* rgb, int height, int width, float* out);

}  // namespace counterpoise
