// Images: from a file to RGB bytes, and to another size.
//
//   Image photo = decode_image("train/cat/cat.0.jpg");
//   Image small = resize_bilinear(photo, 160, 160);
//
// Files are not trusted: headers are checked before anything is allocated, the decoder works in
// bounded memory, and what is wrong with a image becomes an Error that names it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace counterpoise {

struct Image {
  int height = 0, width = 0;
  std::vector<uint8_t> rgb;  // height x width x 3: rows from the top, a pixel's channels together
};

// Reads a JPEG (baseline or progressive), PNG or BMP file, whatever its name ends in. Gray becomes
// RGB, 16 bits become 8, transparency is dropped. At most 64 MB, 16384 pixels a side and 100
// million in all. Throws Error(bad_data): one line with the path and the reason, which for all but
// an unreadable file has the form `path: reason`. Safe to call from several threads.
Image decode_image(const std::string& path);

// The same for a file in memory, which messages call `name`.
Image decode_image(const uint8_t* bytes, size_t size, const std::string& name);

// The image at another size: bilinear interpolation between pixel centers where it grows, a
// triangle as wide as two output pixels where it shrinks, so that fine patterns do not alias. The
// same numbers as Pillow 13's Image.resize with BILINEAR: across and then down, or down first where
// that loses the most rows, in 22-bit fixed point, rounded to bytes in between. Throws Error where
// a size is not positive or `image` is not whole.
Image resize_bilinear(const Image& image, int height, int width);

// The version of stb_image, such as "2.27", which the build passes as STB_IMAGE_VERSION (a string)
// because the header states it in a comment only; "unknown" without.
std::string stb_version();

namespace detail {
// What data/images/stb.cpp does: decodes a file whose header promises height x width pixels. Nothing that
// stb_image's own checks, its assertions, a bounded memory or the guarded arrays stop can do harm,
// but on its own this is not enough; call decode_image. Throws Error(bad_data).
Image stb_decode(const uint8_t* bytes, size_t size, int height, int width, const std::string& name);
}  // namespace detail

}  // namespace counterpoise
