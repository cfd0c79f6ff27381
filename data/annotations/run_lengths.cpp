#include "data/annotations/run_lengths.h"

#include <limits>
#include <unordered_map>

#include "kernels/error.h"

namespace counterpoise::augment {

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

void draw(const RunLengths& mask, int32_t label, SegmentationMap& map) {
  each_pixel(mask, [&](size_t i) {
    map.labels[i] = label;
    return true;
  });
}

std::map<int32_t, RunLengths> runs_of(const SegmentationMap& map) {
  const uint32_t height = uint32_t(map.height), width = uint32_t(map.width), pixels = height * width;
  const auto label_at = [&](uint32_t k) { return map.labels[size_t(k % height) * width + k / height]; };
  struct Runs {
    RunLengths mask;
    uint32_t end = 0;  // of the last run
  };
  std::unordered_map<int32_t, Runs> found;
  for (uint32_t k = 0; k < pixels;) {
    const uint32_t start = k;
    const int32_t label = label_at(start);
    while (k < pixels && label_at(k) == label) ++k;
    if (label == 0) continue;
    Runs& runs = found[label];
    runs.mask.counts.push_back(start - runs.end);
    runs.mask.counts.push_back(k - start);
    runs.end = k;
  }
  std::map<int32_t, RunLengths> y;
  for (auto& [label, runs] : found) {
    if (runs.end < pixels) runs.mask.counts.push_back(pixels - runs.end);
    runs.mask.height = map.height, runs.mask.width = map.width;
    y.emplace(label, std::move(runs.mask));
  }
  return y;
}

}  // namespace counterpoise::augment
