// Synthetic images of two to ten kinds of shapes: an endless set of images for trying out more than two classes, which
// needs no download.
//
// Each image shows one bright shape of any color, place, size and rotation before a darker background with lines and
// spots, noise and uneven light, all of which have the same distribution for every kind. So color tells nothing, and a
// linear model of the pixels is right for one image in five of ten kinds; a small convolutional network needs a few
// epochs. Neighbors in the list of kinds are somewhat alike.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/images/image_dataset.h"

namespace counterpoise {

// disc, ellipse, ring, crescent, triangle, square, rectangle, cross, star, arrow.
const std::vector<std::string>& shape_names();

// Image `index` of the endless series (kind, seed), where kind is an index into shape_names(): size x size x 3 bytes,
// RGB, HWC. The same arguments give the same bytes, and another size gives the same drawing with other noise. Safe to
// call from several threads. Throws Error for an unknown kind and where size < 8.
std::vector<uint8_t> draw_shape(size_t kind, int size, uint64_t seed, uint64_t index);

// counts[k] images of each of the first K kinds, which are the classes, 2 <= K <= 10; image i of a disc has the path
// "synthetic/disc.i". Sets with different seeds share no image. Throws Error(invalid_argument) for another number of
// kinds and for a negative count. Safe to use from several threads once it is constructed.
class SyntheticShapes : public ImageDataset {
 public:
  SyntheticShapes(const std::vector<int64_t>& counts, int image_size, uint64_t seed);

 protected:
  std::vector<uint8_t> read(const Sample& sample, size_t i) const override;

 private:
  std::vector<size_t> first_;  // the first sample of each class
  uint64_t seed_;
};

}  // namespace counterpoise
