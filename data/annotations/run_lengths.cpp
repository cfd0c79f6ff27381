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
  struct Runs {
    RunLengths mask;
    uint32_t end = 0;  // of the last run
  };
  std::unordered_map<int32_t, Runs> found;
  int32_t label = 0;  // of the run that begins at `start`
  uint32_t start = 0, k = 0;
  const auto finish_run = [&] {
    if (label == 0) return;
    Runs& runs = found[label];
    runs.mask.counts.push_back(start - runs.end);
    runs.mask.counts.push_back(k - start);
    runs.end = k;
  };
  for (int j = 0; j < map.width; ++j) {
    for (int i = 0; i < map.height; ++i, ++k) {
      const int32_t here = map.labels[size_t(i) * size_t(map.width) + size_t(j)];
      if (here == label) continue;
      finish_run();
      label = here, start = k;
    }
  }
  finish_run();
  std::map<int32_t, RunLengths> y;
  for (auto& [label, runs] : found) {
    if (runs.end < k) runs.mask.counts.push_back(k - runs.end);
    runs.mask.height = map.height, runs.mask.width = map.width;
    y.emplace(label, std::move(runs.mask));
  }
  return y;
}

}  // namespace counterpoise::augment
