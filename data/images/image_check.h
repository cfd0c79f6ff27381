// What may be wrong with a data set of images: unreadable files, duplicates, leaks between splits, contradicting
// labels, odd sizes.
//
//   const ImageListing listing = list_images("data/xrays");
//   const ImageCheck check = compare_images(listing, read_facts(listing, /*workers=*/4), /*workers=*/4);
//   for (const std::vector<size_t>& images : check.leaks) ...
//
// The functions are safe to call from several threads.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "data/images/image.h"
#include "data/images/image_listing.h"

namespace counterpoise {

// What is kept of an image, about a kilobyte.
struct ImageFacts {
  std::string error;  // why it cannot be read; "" if it can
  int height = 0, width = 0;
  std::array<uint64_t, 2> pixels = {};  // a hash of the size and all pixels, the same for identical images
  uint64_t gradient = 0;                // difference hash, 64 bits: whether gray values rise from left to right
  uint64_t mirrored = 0;                // that of the mirrored image
  bool constant = false;                // all pixels have about the same color
  std::vector<uint8_t> gray = {};       // 32 x 32, of images that can be read
};

ImageFacts image_facts(const Image& image);

// The facts of each image of the listing, read by `workers` threads. `progress` is called by one thread at a time, with
// the number of images that have been read.
std::vector<ImageFacts> read_facts(const ImageListing& listing, int workers,
                                   const std::function<void(size_t done)>& progress = {});

// Whether two images are near-duplicates: the same photograph at another size, compressed again, mirrored, in gray, or
// with another brightness or contrast; and most copies that were cropped by 2 %. The difference hashes differ in at
// most `near_bits` of 64 bits, and the correlation of the small gray images is at least `near_correlation`, of the
// images or of one and the other mirrored.
bool near_duplicates(const ImageFacts& a, const ImageFacts& b);
constexpr int near_bits = 10;
constexpr double near_correlation = 0.96;

// Findings, as indices into listing.images in ascending order.
struct ImageCheck {
  using Images = std::vector<size_t>;

  Images unreadable;
  std::vector<Images> identical;      // sets of images with the same pixels
  std::vector<Images> similar;        // sets of near-duplicates, with their identical images
  std::vector<Images> leaks;          // those of `identical` with images in two splits
  std::vector<Images> similar_leaks;  // those of `similar`, likewise
  std::vector<Images> conflicts;      // sets of `identical` with two labels
  std::vector<Images> similar_conflicts;
  std::vector<Images> group_leaks;  // groups with images in two splits: the first image of each split
  Images constant;                  // of one color
  Images tiny;                      // the shorter side is below 16 pixels, or a quarter of its median
  Images elongated;                 // the longer side is more than three times the shorter
  int median_width = 0, median_height = 0;

  // Whether a model would be trained or judged wrongly: something is unreadable, leaks or has two labels.
  bool has_errors() const;
};

// For each image the name of a group, such that duplicates and near-duplicates are in the same group, and so are images
// whose groups of the listing are: a split that keeps these groups whole has no leaks.
std::vector<std::string> duplicate_groups(const ImageListing& listing, const ImageCheck& check);

// Compares images whose facts are known, facts[i] of listing.images[i]. The time grows with the square of the number of
// images; 25,000 take two seconds on two cores.
ImageCheck compare_images(const ImageListing& listing, const std::vector<ImageFacts>& facts, int workers);

}  // namespace counterpoise
