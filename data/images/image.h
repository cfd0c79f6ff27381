// Decodes image files to RGB bytes, and resizes images.
//
//   Image photo = decode_image("train/cat/cat.0.jpg");
//   Image small = resize_bilinear(photo, 160, 160);
//
// Files are not trusted: headers are checked before anything is allocated, the decoder works in bounded memory, and a
// bad image becomes an Error that names it. All functions here are safe to call from several threads.
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
// RGB, 16 bits become 8, transparency is dropped. At most 64 MB, 16384 pixels a side, 100 million
// in all, and 1.2 GB of memory for decoding, which a PNG of 16 bits and four channels reaches at 75 million pixels, or
// 60 million if it is interlaced. Threads that decode share 1 GiB, and wait for each other where that is not enough.
// Throws Error(bad_data): one line with the path and the reason, which for all but an unreadable file has the form
// `path: reason`.
Image decode_image(const std::string& path);

// The same for a file in memory, which messages call `name`.
Image decode_image(const uint8_t* bytes, size_t size, const std::string& name);

struct GrayImage {
  int height = 0, width = 0;
  std::vector<uint16_t> levels;  // height x width: rows from the top
};

// The same as gray of 16 bits: the values of a gray PNG of 16 bits as they are, and those of 8 bits times 257.
GrayImage decode_gray(const uint8_t* bytes, size_t size, const std::string& name);

// Resizes an image: bilinear interpolation between pixel centers where it is enlarged, a triangle filter as wide as two
// output pixels where it is reduced, so that fine patterns do not alias. Matches Pillow 13's Image.resize with BILINEAR
// to the bit: columns first and then rows, or rows first where that removes the most, in 22-bit fixed point, rounded to
// bytes in between. Throws Error where a size is not positive or the bytes of `image` do not match its size.
Image resize_bilinear(const Image& image, int height, int width);

// The same as Keras's image_dataset_from_directory does it, TensorFlow's tf.image.resize with method "bilinear" and
// without antialiasing: the weighted mean of the four pixels around (i + 1/2) * from / to - 1/2 of both axes, in
// float32 and in TensorFlow's order, also where the image is reduced, so that most pixels of a photograph are not
// looked at. TensorFlow leaves floats, which are rounded to bytes here: a difference of half a level of 255 at most.
// Throws as resize_bilinear() does.
Image resize_keras(const Image& image, int height, int width);

// How photographs become small images.
enum class Resize {
  antialias,  // resize_bilinear(), as Pillow and torchvision do it
  keras,      // resize_keras()
};
Image resize(const Image& image, int height, int width, Resize how);

// "antialias" or "keras". Throws Error(invalid_argument), which lists them, for another name.
Resize parse_resize(const std::string& name);
std::string to_string(Resize resize);

// The version of stb_image, such as "2.27". The build passes it as STB_IMAGE_VERSION, because the header states it in a
// comment only; "unknown" without.
std::string stb_version();

namespace detail {
// Decodes a file whose header states height x width pixels. It is protected by stb_image's own checks, its assertions,
// bounded memory and guarded arrays, which are not enough on their own: call decode_image or decode_gray. Throws
// Error(bad_data).
Image stb_decode(const uint8_t* bytes, size_t size, int height, int width, const std::string& name);
GrayImage stb_decode_gray(const uint8_t* bytes, size_t size, int height, int width, const std::string& name);
}  // namespace detail

}  // namespace counterpoise
