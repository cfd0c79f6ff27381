// Validates a JPEG file before it is decoded.
//
// stb_image trusts what a file says about its own tables: up to version 2.27 a Huffman table of more than 256 symbols
// is written past the end of an array, and in every version the end of the file reads as zeros, so that half a
// photograph decodes to gray without an error. This pass over the markers (ITU-T T.81, annex B) finds both. It reads
// the same segments as stb_image in the same order, between progressive scans too, and is stricter wherever the two
// could differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace counterpoise::detail {

struct ImageSize {
  int height = 0, width = 0;  // in pixels
  int memory = 6;             // bytes per pixel that decoding takes, besides the file: an RGB image and its copy
};

// The size that the frame header of a JPEG file states, in 1...65535 each. Passes: baseline,
// extended and progressive Huffman images of 8 bits with 1 or 3 components, complete up to their
// end-of-image marker, whose scans together hold at most 1.5 * 10^9 samples (pixels of a component, in blocks of 8 x
// 8); bytes after that marker do not matter. Throws Error(bad_data) for all else, with one line that begins with
// `name`. It does not detect entropy-coded data that are damaged, or that stop early although the marker follows. Safe
// to call from several threads.
ImageSize check_jpeg(const uint8_t* bytes, size_t size, const std::string& name);

}  // namespace counterpoise::detail
