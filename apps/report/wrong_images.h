// Which images a run got wrong, and the images themselves. The functions read files only where they say so, and are
// safe to call from several threads.
#pragma once

#include <string>
#include <vector>

#include "apps/report/run_data.h"
#include "apps/report/scores.h"
#include "data/images/image.h"

namespace counterpoise::html_report {

struct WrongImage {
  size_t sample;  // in run.reported
  int32_t predicted;
  double probability;  // of the predicted class
};

// Of two classes: the images of the class `actual` that were predicted as the other one at the kept threshold, the most
// confident predictions first.
std::vector<WrongImage> wrong_images(const Run& run, const Kept& kept, int32_t actual);
// Of more classes: all that were predicted as another class than theirs.
std::vector<WrongImage> wrong_images(const Run& run);

// The image that predictions.csv names, of the split "validation" or "test": reads its file, or generates it with
// `size` x `size` pixels if it is a synthetic one. Throws Error(bad_data) for a file that cannot be read.
Image image_of(const std::string& path, const std::string& split, int size);

}  // namespace counterpoise::html_report
