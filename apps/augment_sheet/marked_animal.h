// A synthetic cat and a synthetic dog on which everything is marked that augmentation moves.
#pragma once

#include "data/augment/annotations.h"
#include "data/images/synthetic.h"

namespace counterpoise {

// side x side pixels: eyes and nose as keypoints, the head as a box, a polygon and a segmentation map, the mouth or
// whiskers as a line string, and a heat map that says how near the nose is, with half the resolution. Safe to call from
// several threads. Throws Error where side < 8.
augment::Annotated marked_animal(Animal animal, int side);

}  // namespace counterpoise
