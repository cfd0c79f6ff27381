// Reads the pixels of a transformed image in runs, as kernels/image_transform.h defines them. Safe to call from any
// thread.
#pragma once

#include "kernels/image_transform.h"

namespace counterpoise::detail {

// `count` pixels of a row of the result from column `first` on, before the changes of color: rgb[3 * count], 0 to 255.
void sample_run(const SourceImage& image, const ImageTransform& transform, int result_width, int row, int first,
                int count, float* rgb);

}  // namespace counterpoise::detail
