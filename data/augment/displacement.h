// Changes of place that no matrix describes: a displacement for each pixel, and how everything that is marked on an
// image moves with it.
//
//   augment::Displacement field{{h, w}, right, down};           // in pixels, for the centers of h x w pixels
//   if (augment::steepness(field) < 1) photo = augment::displaced(photo, field);
//
// The result at p is what the image has at p + d(p): the displacement says where to look, as in torchvision's elastic()
// and SciPy's map_coordinates(). Between the centers of pixels d is interpolated bilinearly, beyond the outermost ones
// it stays as there. Coordinates are those of annotations.h. Functions are safe to call from any thread.
#pragma once

#include <vector>

#include "data/augment/annotations.h"
#include "data/augment/warp.h"

namespace counterpoise::augment {

struct Displacement {
  Size size;
  std::vector<float> right, down;  // of pixels, in rows from the top
};

// d(p). REQUIRES: as many numbers as the size says, at least one.
Point at(const Displacement& field, Point p);

// How much the displacements of two places differ at most, as a share of the distance of the places (both measured by
// the larger of the differences in x and y). Below 1, p + d(p) folds nothing: each place of the image is seen once.
double steepness(const Displacement& field);

// Where the point q of an image goes: the p with p + d(p) = q, the limit of p = q - d(p), which is reached because it
// comes nearer by the steepness each time. REQUIRES: steepness(field) < 1.
Point moved(const Displacement& field, Point q);

// An image and everything that is marked on it. What lies outside the image is that of the border; outside of maps are
// zeros. Edges of polygons and line strings are divided into pieces of at most two pixels, so that they bend with the
// image; boxes become the envelope of their outline. Heat maps are interpolated bilinearly, segmentation maps read at
// the nearest pixel, both with a resolution of their own. Throws Error(failure) for a field of another size than the
// image or as many numbers as it has not, and for a steepness of 1 or more.
Annotated displaced(const Annotated& annotated, const Displacement& field, Border border = Border::constant,
                    Color fill = {0, 0, 0});

}  // namespace counterpoise::augment
