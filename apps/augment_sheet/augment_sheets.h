// The contact sheets of the program augment. All functions are pure and safe to call from several threads; the same
// seed gives the same sheet. Throw Error(bad_data) for targets that cannot be augmented.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "apps/augment_sheet/draw_targets.h"
#include "apps/augment_sheet/marked_images.h"
#include "apps/show/sheet.h"
#include "data/augment/spec.h"

namespace counterpoise {

struct SheetLook {
  uint64_t seed = 0;
  int rows = 5, columns = 5;
  int tile_size = 192;  // pixels
};

// Copy `epoch` of image `sample`: the same numbers are drawn as for that sample in that epoch of a training.
augment::Annotated augmented_copy(const augment::Augmenter& augmenter, const augment::Annotated& annotated,
                                  uint64_t seed, uint64_t epoch, uint64_t sample);

// `rows` rows for each image: first as it is, then its copies in epochs 1, 2, ... `use` is given each copy, too.
using UseCopy = std::function<void(const MarkedImage& original, Copy copy)>;
contact_sheet::Sheet copies_sheet(const std::vector<MarkedImage>& images, const augment::Policy& policy,
                                  const SheetLook& look, const UseCopy& use = {});

// The lecture's slide: a row for each augmenter, and in it the image with each kind of target that it has.
contact_sheet::Sheet lecture_sheet(const MarkedImage& image, const SheetLook& look);

// Every row of the table of augmenters, with its example, and every preset.
contact_sheet::Sheet table_sheet(const MarkedImage& image, const SheetLook& look);
// How many tiles it has.
size_t table_tiles();

// The lecture's wrong and right resize, of the middle of an image: the targets left where they were, and taken along.
contact_sheet::Sheet resize_sheet(const MarkedImage& image, const SheetLook& look);

}  // namespace counterpoise
