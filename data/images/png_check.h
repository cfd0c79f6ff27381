// Validates a PNG file before it is decoded.
//
// stb_image reads no checksum, so that it makes other pixels of damaged data without an error. This pass over the
// chunks (ISO/IEC 15948, 5.3) computes each chunk's CRC-32, as Pillow does. It finds every error of up to 32
// neighboring bits, and other damage with a probability of 1 - 2^-32. The Adler-32 inside the compressed data, which
// lie in those chunks, is therefore not looked at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "data/images/jpeg_check.h"

namespace counterpoise::detail {

// The size that a PNG file states, in 0...2^31 - 1 each. Passes: files that are complete up to their IEND chunk, whose
// checksums are right and that need nothing that stb_image does not support; bytes after that chunk do not matter.
// Throws Error(bad_data) for all else, with one line that begins with `name`. Safe to call from several threads.
ImageSize check_png(const uint8_t* bytes, size_t size, const std::string& name);

// The CRC-32 of a PNG's chunks, of zlib and of Ethernet (ISO/IEC 15948, annex D).
uint32_t crc32(const uint8_t* bytes, size_t size);

}  // namespace counterpoise::detail
