#include "data/images/image_check.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include "kernels/error.h"

namespace counterpoise {

namespace {

constexpr int side = 32;           // of the small gray images
constexpr int constant_range = 8;  // of a channel's values in an image of one color
constexpr int smallest_side = 16;
constexpr int longest = 3;  // the longer side by the shorter

uint8_t gray_of(const uint8_t* rgb) { return static_cast<uint8_t>((77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2]) >> 8); }

std::vector<uint8_t> small_gray(const Image& image, int height, int width) {
  const Image small = resize_bilinear(image, height, width);
  std::vector<uint8_t> gray;
  for (size_t i = 0; i < small.rgb.size(); i += 3) gray.push_back(gray_of(&small.rgb[i]));
  return gray;
}

// Two independent 64-bit hashes. Not for adversaries.
std::array<uint64_t, 2> hash_of(const Image& image) {
  uint64_t a = static_cast<uint64_t>(image.height) << 32 | static_cast<uint32_t>(image.width), b = ~a;
  const auto add = [&](uint64_t word) {
    a = (a ^ word) * 0x9e3779b97f4a7c15u, a ^= a >> 32;
    b = (b + word) * 0xbf58476d1ce4e5b9u, b ^= b >> 29;
  };
  const size_t n = image.rgb.size(), whole = n / 8 * 8;
  for (size_t i = 0; i < n; i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, &image.rgb[i], i < whole ? 8 : n - i);
    add(word);
  }
  return {a, b};
}

bool is_constant(const Image& image) {
  uint8_t low[3] = {255, 255, 255}, high[3] = {0, 0, 0};
  for (size_t i = 0; i < image.rgb.size(); ++i) {
    low[i % 3] = std::min(low[i % 3], image.rgb[i]), high[i % 3] = std::max(high[i % 3], image.rgb[i]);
  }
  for (int c = 0; c < 3; ++c) {
    if (high[c] - low[c] > constant_range) return false;
  }
  return true;
}

// Calls run(i) for 0 <= i < n in threads, each of which takes the next number. Rethrows what one of them threw.
void in_threads(size_t n, int workers, const std::function<void(size_t)>& run) {
  std::atomic<size_t> next{0};
  std::exception_ptr error;
  std::mutex mutex;
  const auto work = [&] {
    try {
      for (size_t i; (i = next++) < n;) run(i);
    } catch (...) {
      next = n;
      std::lock_guard<std::mutex> lock(mutex);
      if (!error) error = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  try {
    for (int t = 1; t < workers; ++t) threads.emplace_back(work);
  } catch (const std::exception&) {
    // No more threads, or no memory for them, are available: those already started, and the caller, do the work.
  }
  work();
  for (std::thread& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
}

// Pearson's correlation of two small gray images, or of the first and the mirrored second.
double correlation(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b, bool mirrored) {
  int64_t sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  const int64_t n = static_cast<int64_t>(a.size());
  for (size_t i = 0; i < a.size(); ++i) {
    const int x = a[i], y = b[mirrored ? i + side - 1 - 2 * (i % side) : i];
    sa += x, sb += y, saa += x * x, sbb += y * y, sab += x * y;
  }
  const double va = static_cast<double>(n * saa - sa * sa), vb = static_cast<double>(n * sbb - sb * sb);
  return va > 0 && vb > 0 ? static_cast<double>(n * sab - sa * sb) / std::sqrt(va * vb) : 0;
}

bool near_hashes(uint64_t a, uint64_t b) { return __builtin_popcountll(a ^ b) <= near_bits; }

// Sets that are joined step by step (union-find).
class Sets {
 public:
  explicit Sets(size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), size_t(0)); }
  size_t find(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(size_t a, size_t b) {
    a = find(a), b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }
  // Those with at least two members, in the order of their first ones.
  std::vector<std::vector<size_t>> sets() {
    std::map<size_t, std::vector<size_t>> members;
    for (size_t i = 0; i < parent_.size(); ++i) members[find(i)].push_back(i);
    std::vector<std::vector<size_t>> y;
    for (auto& [first, images] : members) {
      if (images.size() > 1) y.push_back(std::move(images));
    }
    return y;
  }

 private:
  std::vector<size_t> parent_;
};

// Finds all pairs of near-duplicates among some images.
std::vector<std::pair<size_t, size_t>> near_pairs(const std::vector<ImageFacts>& facts,
                                                  const std::vector<size_t>& images, int workers) {
  std::vector<uint64_t> hashes, mirrored;  // in sequence, because all of them are read again and again
  for (const size_t i : images) hashes.push_back(facts[i].gradient), mirrored.push_back(facts[i].mirrored);
  std::vector<std::pair<size_t, size_t>> pairs;
  std::mutex mutex;
  in_threads(images.size(), workers, [&](size_t a) {
    for (size_t b = a + 1; b < images.size(); ++b) {
      if (!near_hashes(hashes[a], hashes[b]) && !near_hashes(mirrored[a], hashes[b])) continue;
      if (!near_duplicates(facts[images[a]], facts[images[b]])) continue;
      std::lock_guard<std::mutex> lock(mutex);
      pairs.emplace_back(images[a], images[b]);
    }
  });
  return pairs;
}

int median(std::vector<int> values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void check_sizes(const std::vector<ImageFacts>& facts, ImageCheck& check) {
  std::vector<int> widths, heights, shorter;
  for (const ImageFacts& f : facts) {
    if (!f.error.empty()) continue;
    widths.push_back(f.width), heights.push_back(f.height), shorter.push_back(std::min(f.width, f.height));
  }
  check.median_width = median(widths), check.median_height = median(heights);
  const int least = std::max(smallest_side, median(shorter) / 4);
  for (size_t i = 0; i < facts.size(); ++i) {
    const ImageFacts& f = facts[i];
    if (!f.error.empty()) continue;
    const int low = std::min(f.width, f.height), high = std::max(f.width, f.height);
    if (low < least) check.tiny.push_back(i);
    if (high > longest * low) check.elongated.push_back(i);
  }
}

void check_groups(const ImageListing& listing, ImageCheck& check) {
  if (!listing.has_groups) return;
  std::map<std::string, std::map<DataSplit, size_t>> groups;  // the first image of each split
  for (size_t i = 0; i < listing.images.size(); ++i) {
    groups[listing.images[i].group].emplace(listing.images[i].split, i);
  }
  for (const auto& [name, firsts] : groups) {
    if (firsts.size() < 2) continue;
    check.group_leaks.emplace_back();
    for (const auto& [split, i] : firsts) check.group_leaks.back().push_back(i);
  }
}

}  // namespace

ImageFacts image_facts(const Image& image) {
  ImageFacts facts;
  facts.height = image.height, facts.width = image.width;
  facts.pixels = hash_of(image);
  facts.constant = is_constant(image);
  facts.gray = small_gray(image, side, side);
  const std::vector<uint8_t> tiny = small_gray(image, 8, 9);
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      facts.gradient = facts.gradient << 1 | (tiny[y * 9 + x] < tiny[y * 9 + x + 1]);
      facts.mirrored = facts.mirrored << 1 | (tiny[y * 9 + 8 - x] < tiny[y * 9 + 7 - x]);
    }
  }
  return facts;
}

std::vector<ImageFacts> read_facts(const ImageListing& listing, int workers,
                                   const std::function<void(size_t done)>& progress) {
  std::vector<ImageFacts> facts(listing.images.size());
  std::mutex mutex;
  size_t done = 0;
  in_threads(facts.size(), workers, [&](size_t i) {
    try {
      facts[i] = image_facts(decode_image(listing.images[i].path));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::bad_data) throw;
      facts[i].error = error.what();
    }
    std::lock_guard<std::mutex> lock(mutex);
    ++done;
    if (progress) progress(done);
  });
  return facts;
}

bool near_duplicates(const ImageFacts& a, const ImageFacts& b) {
  if (!a.error.empty() || !b.error.empty() || a.constant || b.constant) return false;
  return (near_hashes(a.gradient, b.gradient) && correlation(a.gray, b.gray, false) >= near_correlation) ||
         (near_hashes(a.mirrored, b.gradient) && correlation(a.gray, b.gray, true) >= near_correlation);
}

bool ImageCheck::has_errors() const {
  return !unreadable.empty() || !leaks.empty() || !similar_leaks.empty() || !conflicts.empty() ||
         !similar_conflicts.empty() || !group_leaks.empty();
}

std::vector<std::string> duplicate_groups(const ImageListing& listing, const ImageCheck& check) {
  Sets groups(listing.images.size());
  for (const auto* sets : {&check.identical, &check.similar}) {
    for (const ImageCheck::Images& images : *sets) {
      for (const size_t i : images) groups.join(images[0], i);
    }
  }
  if (listing.has_groups) {
    std::map<std::string, size_t> firsts;
    for (size_t i = 0; i < listing.images.size(); ++i) {
      groups.join(firsts.emplace(listing.images[i].group, i).first->second, i);
    }
  }
  std::vector<std::string> names;
  for (size_t i = 0; i < listing.images.size(); ++i) {
    const ListedImage& first = listing.images[groups.find(i)];
    names.push_back(listing.has_groups ? first.group : first.name);
  }
  return names;
}

ImageCheck compare_images(const ImageListing& listing, const std::vector<ImageFacts>& facts, int workers) {
  CP_ENSURE(facts.size() == listing.images.size(), "compare_images: ", facts.size(), " facts for ",
            listing.images.size(), " images");
  ImageCheck check;
  Sets identical(facts.size());
  std::map<std::array<uint64_t, 2>, size_t> seen;
  std::vector<size_t> first;  // of each set of identical images
  for (size_t i = 0; i < facts.size(); ++i) {
    if (!facts[i].error.empty()) {
      check.unreadable.push_back(i);
      continue;
    }
    if (facts[i].constant) check.constant.push_back(i);
    const auto [at, is_new] = seen.emplace(facts[i].pixels, i);
    if (is_new) first.push_back(i);
    else identical.join(at->second, i);
  }
  check.identical = identical.sets();

  Sets similar = identical;
  std::set<size_t> with_near;  // sets that contain images which are not identical
  const auto pairs = near_pairs(facts, first, workers);
  for (const auto& [a, b] : pairs) similar.join(a, b);
  for (const auto& [a, b] : pairs) with_near.insert(similar.find(a));
  for (ImageCheck::Images& images : similar.sets()) {
    if (with_near.count(similar.find(images[0]))) check.similar.push_back(std::move(images));
  }

  const auto differ = [&](const ImageCheck::Images& images, const auto& of) {
    return std::any_of(images.begin(), images.end(),
                       [&](size_t i) { return of(listing.images[i]) != of(listing.images[images[0]]); });
  };
  const auto split = [](const ListedImage& image) { return image.split; };
  const auto label = [](const ListedImage& image) { return image.label; };
  for (const ImageCheck::Images& images : check.identical) {
    if (differ(images, split)) check.leaks.push_back(images);
    if (differ(images, label)) check.conflicts.push_back(images);
  }
  for (const ImageCheck::Images& images : check.similar) {
    if (differ(images, split)) check.similar_leaks.push_back(images);
    if (differ(images, label)) check.similar_conflicts.push_back(images);
  }
  check_groups(listing, check);
  check_sizes(facts, check);
  return check;
}

}  // namespace counterpoise
