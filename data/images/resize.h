// Resizes a part of an image, as Pillow does it: how an image with its annotations is cropped and resized in one step.
//
// All functions are pure and safe to call from any thread.
#pragma once

#include "data/images/image.h"

namespace counterpoise {

// A part of an image, in pixels from its left and upper edges: pixel (i, j) covers [j, j + 1) x [i, i + 1). It is
// mirrored where left > right, or top > bottom.
struct Region {
  double left, top, right, bottom;
};

// resize_bilinear() of a part of the image, as Pillow's Image.resize with `box`: the filter also sees the pixels beside
// the region. Matches Pillow 13 to the bit for the whole image, and to one level for a part. Throws Error(failure)
// where a size is not positive, the bytes of `image` do not match its size, or the region is empty or leaves the image.
Image resize_bilinear(const Image& image, const Region& region, int height, int width);

}  // namespace counterpoise
