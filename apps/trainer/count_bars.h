// The number of images of each class as bars, before and after a sampler: text for a terminal, and an SVG file. All
// functions are pure, so they are safe to call from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/loader.h"

namespace counterpoise {

// Counts of the images of each class in an epoch, as one sampler draws it.
struct SampledCounts {
  std::string sampler;
  std::vector<int64_t> counts;  // [K]

  int64_t total() const;
};

// Which classes to show where there is room for `most`, an even number: all, in their order, or the most frequent ones
// and then the rarest.
std::vector<size_t> shown_classes(const std::vector<int64_t>& counts, size_t most);

// Those of the first epoch of a loader.
SampledCounts sampled_counts(const DataLoader& loader);

// A line per class, with bars in proportion to the counts:
//
//     cat   400 ##                       -> oversample  4400 ########################
//     dog  4400 ######################## ->             4400 ########################
//
// Where the sampler changes nothing there is one bar. Of more than 10 classes, those with the most and the fewest
// images are shown. Each line ends with "\n"; "" where all classes have the same number of images before and after.
std::string count_bars(const std::vector<std::string>& classes, const std::vector<int64_t>& before,
                       const SampledCounts& after);

// A plot of each of these samplers: the counts before, in gray, and after it. Throws Error(failure) if there are none.
std::string count_bars_svg(const std::vector<std::string>& classes, const std::vector<int64_t>& before,
                           const std::vector<SampledCounts>& after);

}  // namespace counterpoise
