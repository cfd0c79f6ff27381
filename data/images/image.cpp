#include "data/images/image.h"

#include <cmath>
#include <cstring>

#include "core/io/file.h"
#include "data/images/jpeg_check.h"
#include "data/images/memory_budget.h"
#include "data/images/png_check.h"
#include "kernels/error.h"

namespace counterpoise {

using detail::check_jpeg;
using detail::check_png;
using detail::ImageSize;

namespace {

constexpr size_t largest_file = size_t{64} << 20;
constexpr int largest_side = 16384;
constexpr int64_t most_pixels = 100'000'000;
constexpr int64_t most_memory = 1'200'000'000;  // bytes, for one image: 100 million pixels of a progressive JPEG

// Shared by all threads that decode: many photographs fit in at once, and few of the largest images.
detail::MemoryBudget decoding_memory(size_t{1} << 30);

bool starts_with(const uint8_t* bytes, size_t size, const std::string& magic, size_t at = 0) {
  return size >= at + magic.size() && std::memcmp(bytes + at, magic.data(), magic.size()) == 0;
}

uint32_t little_endian(const uint8_t* p, int bytes) {
  uint32_t value = 0;
  for (int i = bytes - 1; i >= 0; --i) value = value << 8 | p[i];
  return value;
}

// Checks a BMP's headers, and that all its rows are there: stb_image reads black after the end of the file.
ImageSize check_bmp(const uint8_t* bytes, size_t size, const std::string& name) {
  const auto require = [&](bool condition, const char* why) { CP_ENSURE_AS(bad_data, condition, name, ": ", why); };
  require(size >= 54, "truncated BMP: it stops inside its header");
  const uint32_t offset = little_endian(bytes + 10, 4), header = little_endian(bytes + 14, 4);
  require(header == 40 || header == 56 || header == 108 || header == 124,
          "a BMP of an unsupported version: convert it to PNG");
  const int64_t width = int32_t(little_endian(bytes + 18, 4));
  const int64_t height = std::abs(int64_t{int32_t(little_endian(bytes + 22, 4))});
  const int bits = little_endian(bytes + 28, 2), coding = little_endian(bytes + 30, 4);
  require(bits == 1 || bits == 4 || bits == 8 || bits == 16 || bits == 24 || bits == 32,
          "bad BMP: impossible number of bits per pixel");
  require(coding == 0 || (coding == 3 && bits >= 16), "a compressed BMP is not supported: convert it to PNG");
  require(width >= 0 && height < int64_t{1} << 31, "bad BMP: impossible size");
  const int64_t row = (width * bits + 31) / 32 * 4;  // bytes
  require(offset >= 14 + header && offset <= size && (row == 0 || height <= int64_t(size - offset) / row),
          "truncated BMP: it stops before its last row");
  return {int(height), int(width)};
}

// The image's size as its header states it, after the whole file has passed the check of its format.
ImageSize check_file(const uint8_t* bytes, size_t size, const std::string& name) {
  CP_ENSURE_AS(bad_data, size > 0, name, ": empty file");
  CP_ENSURE_AS(bad_data, size <= largest_file, name, ": too large: ", size, " bytes, at most 64 MB are read");
  if (starts_with(bytes, size, "\xFF\xD8\xFF")) return check_jpeg(bytes, size, name);
  if (starts_with(bytes, size, "\x89PNG\r\n\x1A\n")) return check_png(bytes, size, name);
  if (starts_with(bytes, size, "BM")) return check_bmp(bytes, size, name);
  const char* what = starts_with(bytes, size, "GIF8")          ? " but a GIF: convert it"
                     : starts_with(bytes, size, "WEBP", 8)     ? " but a WebP: convert it"
                     : starts_with(bytes, size, "II*")         ? " but a TIFF: convert it"
                     : starts_with(bytes, size, "ftypavif", 4) ? " but an AVIF: convert it"
                                                               : "";
  throw Error(ErrorKind::bad_data, name, ": not a JPEG, PNG or BMP image", what);
}

// The image that decode() makes of a file, once its format and size are found to be right, within the threads' memory.
template <class Decode>
auto decoded(const uint8_t* bytes, size_t size, const std::string& name, const Decode& decode) {
  const ImageSize image = check_file(bytes, size, name);
  const int height = image.height, width = image.width;
  CP_ENSURE_AS(bad_data, height > 0 && width > 0, name, ": an image without pixels");
  CP_ENSURE_AS(bad_data, height <= largest_side && width <= largest_side && int64_t{height} * width <= most_pixels,
               name, ": too large: ", width, " x ", height, " pixels, at most ", largest_side, " a side and ",
               most_pixels / 1000000, " million in all are read");
  const int64_t memory = int64_t{height} * width * image.memory;
  CP_ENSURE_AS(bad_data, memory <= most_memory, name, ": too large: ", width, " x ", height,
               " pixels of this kind take ", memory / 1000000, " MB to decode, at most ", most_memory / 1000000,
               " are used; convert it to 8 bits per channel without interlacing, or reduce it");
  const detail::MemoryBudget::Part part(decoding_memory, static_cast<size_t>(memory) + 2 * size);
  return decode(bytes, size, height, width, name);
}

}  // namespace

Image decode_image(const std::string& path) {
  const std::string content = read_file(path, largest_file);
  return decode_image(reinterpret_cast<const uint8_t*>(content.data()), content.size(), path);
}

Image decode_image(const uint8_t* bytes, size_t size, const std::string& name) {
  return decoded(bytes, size, name, detail::stb_decode);
}

GrayImage decode_gray(const uint8_t* bytes, size_t size, const std::string& name) {
  return decoded(bytes, size, name, detail::stb_decode_gray);
}

}  // namespace counterpoise
