// Resampling: an image or a map after a change of place.
//
//   const Image rotated = warp(photo, {around({w / 2., h / 2.}, rotation(30)), {h, w}});
//
// Each pixel of the result is read where its center came from, once, however many changes were composed. Fine patterns
// do not alias: a part of an image that is resized, also mirrored, is filtered as Pillow does it
// (data/images/resize.h); where anything else is reduced to two thirds of its size or less, several places within the
// pixel are averaged, as many as the middle of the result needs, at most 8 in each direction. The same bits for every
// number of threads. Functions are safe to call from any thread.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "data/augment/annotations.h"
#include "data/augment/transform.h"
#include "kernels/image_transform.h"

namespace counterpoise::augment {

enum class Interpolation {
  nearest,
  bilinear,
  bicubic,  // Keys 1981 with a = -3/4, as OpenCV
};

// What lies outside an image: constant, replicate, reflect, reflect_101 or wrap.
using Border = ImageBorder;
using Color = std::array<uint8_t, 3>;

// An edge that an image had between two of the changes which a transform composes: what the first one moved across it
// is not to come back by the second.
struct Window {
  Transform from_output;  // from places of the result to places of that image
  Size size;
};

struct Warp {
  Transform transform;  // from places of the image to places of the result
  Size to;              // of the result
  Interpolation interpolation = Interpolation::bilinear;
  Border border = Border::constant;
  Color fill = {0, 0, 0};            // of Border::constant, and beyond the horizon of a projective transform
  std::vector<Window> windows = {};  // the fill color stands outside these, too
};

// Throws Error(failure) where image or result have no pixels, the numbers are not as many as the size says, or the
// transform cannot be inverted.
Image warp(const Image& image, const Warp& warp);

// A map of an image that was warped. Its resolution relative to the image stays the same, at least one pixel. Outside
// are zeros, whatever the border of the image is.
HeatMap warp(const HeatMap& map, Size image, const Warp& warp);                  // bilinear
SegmentationMap warp(const SegmentationMap& map, Size image, const Warp& warp);  // nearest, so that labels stay labels

// The same for an image of the size `from` as a transform of a backend, where it is one: affine, bilinear, without
// windows, and reduced so little that one place is read for each pixel.
std::optional<ImageTransform> image_transform(const Warp& warp, Size from);

}  // namespace counterpoise::augment
