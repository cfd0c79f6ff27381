#include "data/annotations/run_lengths.h"

#include <limits>

#include "kernels/error.h"

namespace counterpoise::augment {

namespace {

// Calls visit(index) for the mask's pixels, until it returns false; the index is that of rows.
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

}  // namespace

int64_t area(const RunLengths& mask) {
  int64_t pixels = 0;
  for (size_t run = 1; run < mask.counts.size(); run += 2) pixels += mask.counts[run];
  return pixels;
}

void check(const RunLengths& mask, const std::string& place) {
  uint64_t pixels = 0;
  for (const uint32_t count : mask.counts) pixels += count;
  CP_ENSURE_AS(bad_data, pixels == uint64_t(mask.height) * uint64_t(mask.width), place,
               ": the counts of its mask have ", pixels, " pixels, but its size is ", mask.width, " x ", mask.height);
}

std::vector<uint32_t> decompressed(const std::string& text, const std::string& place) {
  std::vector<uint32_t> counts;
  for (size_t at = 0; at < text.size();) {
    int64_t number = 0;
    bool more = true;
    for (int shift = 0; more; shift += 5, ++at) {
      CP_ENSURE_AS(bad_data, at < text.size(), place, ": the compressed counts of its mask end within a number");
      const int bits = text[at] - '0';
      CP_ENSURE_AS(bad_data, 0 <= bits && bits < 64 && shift < 40, place,
                   ": the compressed counts of its mask have an impossible number that ends at character ", at);
      number |= int64_t{bits & 31} << shift;
      more = bits & 32;
      // The highest of the five bits that come last is the sign.
      if (!more && (bits & 16)) number -= int64_t{1} << (shift + 5);
    }
    if (counts.size() > 2) number += counts[counts.size() - 2];
    CP_ENSURE_AS(bad_data, 0 <= number && number <= std::numeric_limits<uint32_t>::max(), place,
                 ": the compressed counts of its mask hold ", number, "; a count is from 0 to the number of pixels");
    counts.push_back(uint32_t(number));
  }
  return counts;
}

bool overlaps(const RunLengths& mask, const SegmentationMap& map) {
  return !each_pixel(mask, [&](size_t i) { return map.labels[i] == 0; });
}

void draw(const RunLengths& mask, int32_t label, SegmentationMap& map) {
  each_pixel(mask, [&](size_t i) {
    map.labels[i] = label;
    return true;
  });
}

RunLengths runs_of(const SegmentationMap& map, int32_t label) {
  RunLengths mask{map.height, map.width, {0}};
  bool inside = false;
  for (int j = 0; j < map.width; ++j) {
    for (int i = 0; i < map.height; ++i) {
      const bool here = map.labels[size_t(i) * size_t(map.width) + size_t(j)] == label;
      if (here != inside) mask.counts.push_back(0);
      inside = here;
      ++mask.counts.back();
    }
  }
  return mask;
}

}  // namespace counterpoise::augment
