// Augmentation: random changes to training images, such as Keras' RandomFlip("horizontal") followed by RandomRotation.
//
//   const Augment augment = parse_augment("flip,rotate=0.2");
//   Random rng(seed, Stream::augment, epoch, sample);
//   const ImageTransform transform = draw_transform(augment, rng);   // for Backend::images()
//
// Everything here is safe to use from several threads.
#pragma once

#include <string>
#include <vector>

#include "core/random.h"
#include "kernels/image_transform.h"

namespace counterpoise {

// A row of the table of augmentations in augment.cpp. A new one is a row there, and a case in image_transform.h if it
// changes the color of pixels.
struct Augmentation {
  std::string name;
  std::string parameter;  // a letter for its strength, or "" if it has none
  float low, high;        // the range of the strength; 0 means that the augmentation is off
  std::string help;
  // Draws from `rng` and adds what was drawn to `transform`.
  void (*draw)(float strength, Random& rng, ImageTransform& transform);
  // Draws its numbers even where it is off, so that switching it on does not change what others draw.
  bool always_draws = false;
};
const std::vector<Augmentation>& augmentations();

// Which augmentations are on, and how strong: strengths[i] is that of row i of the table, 0 or absent where it is off.
struct Augment {
  std::vector<float> strengths = {};

  float strength(size_t row) const { return row < strengths.size() ? strengths[row] : 0; }
};

// "none", or some of the table's names with commas in between and, where one has a parameter, its strength:
// "flip,rotate=0.2". They are applied in the order of the table. Throws Error(invalid_argument), which lists them, for
// anything else.
Augment parse_augment(const std::string& description);

// The shortest text that parse_augment() reads as the same Augment.
std::string to_string(const Augment& augment);

// The transform of one image.
ImageTransform draw_transform(const Augment& augment, Random& rng);

// What parse_augment takes, in one line for a program's help.
std::string augment_help();

}  // namespace counterpoise
