// Masks as runs of pixels, the run-length encoding (RLE) of COCO.
//
//   RunLengths mask{240, 320, {1000, 12, 228, 12, 75548}};   // 24 pixels in two columns
//   SegmentationMap map{240, 320, std::vector<int32_t>(240 * 320)};
//   draw(mask, 1, map);
//
// Pixels are counted down the columns, from the left one to the right. The counts are those of pixels outside of the
// mask, inside, outside, and so on; the first may be 0. All functions are pure unless they say what they change, and
// safe to call from any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/augment/annotations.h"

namespace counterpoise::augment {

struct RunLengths {
  int height = 0, width = 0;
  std::vector<uint32_t> counts;
};
inline bool operator==(const RunLengths& a, const RunLengths& b) {
  return a.height == b.height && a.width == b.width && a.counts == b.counts;
}

// The number of pixels in the mask.
int64_t area(const RunLengths& mask);

// Throws Error(bad_data), which begins with `place`, unless the counts add up to height x width.
void check(const RunLengths& mask, const std::string& place);

// The counts of pycocotools' compressed strings: six bits in each character from '0' on, five of the number, the lowest
// first, and one that says whether more follow; from the fourth count on, numbers are differences to the count before
// the last. Throws Error(bad_data), which begins with `place`, for another string.
std::vector<uint32_t> decompressed(const std::string& text, const std::string& place);

// Calls visit(i) for each pixel of the mask until it returns false; i counts them in rows. Returns whether all were
// visited. REQUIRES: check() passes.
template <class Visit>
bool each_pixel(const RunLengths& mask, const Visit& visit) {
  const size_t height = size_t(mask.height), width = size_t(mask.width);
  size_t k = 0;
  for (size_t run = 0; run < mask.counts.size(); ++run) {
    const size_t end = k + mask.counts[run];
    if (run % 2 == 0) k = end;
    for (; k < end; ++k) {
      if (!visit(k % height * width + k / height)) return false;
    }
  }
  return true;
}

// Gives the mask's pixels a label in the map. REQUIRES: check() passes, sizes are equal.
void draw(const RunLengths& mask, int32_t label, SegmentationMap& map);

// The pixels of each label of a map but 0, the background, in one pass over the map.
std::map<int32_t, RunLengths> runs_of(const SegmentationMap& map);

}  // namespace counterpoise::augment
