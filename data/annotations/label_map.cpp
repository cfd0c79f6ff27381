// stb_image turns a palette into colors, and stb_image_write writes none. Both are made to do it by a change of the
// file in between: what is read gets a palette in which color i is (i, i, i); what is written is encoded as gray, and
// gets its palette then. In the same way two channels of 8 bits become one of 16, whose bytes lie in the same order.
#include "data/annotations/label_map.h"

#include <algorithm>

#include "core/io/file.h"
#include "data/images/image.h"
#include "data/images/png_check.h"
#include "kernels/error.h"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#if __has_include(<stb/stb_image_write.h>)
#include <stb/stb_image_write.h>
#else
#include <stb_image_write.h>
#endif

namespace counterpoise::augment {

namespace {

constexpr size_t largest_file = size_t{64} << 20;
constexpr size_t signature_bytes = 8, header_bytes = 25;  // the second are those of the IHDR chunk
constexpr size_t depth_at = 24, color_at = 25;            // in the file
enum Color { gray = 0, palette = 3, gray_and_alpha = 4 };

const uint8_t* bytes_of(const std::string& text) { return reinterpret_cast<const uint8_t*>(text.data()); }

std::string big_endian(uint32_t x) { return {char(x >> 24), char(x >> 16), char(x >> 8), char(x)}; }

uint32_t big_endian(const std::string& text, size_t at) {
  const uint8_t* p = bytes_of(text) + at;
  return uint32_t{p[0]} << 24 | uint32_t{p[1]} << 16 | uint32_t{p[2]} << 8 | p[3];
}

std::string chunk(const std::string& type, const std::string& content) {
  const std::string y = type + content;
  return big_endian(uint32_t(content.size())) + y + big_endian(detail::crc32(bytes_of(y), y.size()));
}

template <class ColorOf>
std::string palette_chunk(const ColorOf& color_of) {
  std::string colors;
  for (int i = 0; i < 256; ++i) {
    for (const uint8_t level : color_of(i)) colors += char(level);
  }
  return chunk("PLTE", colors);
}

// Removes the palette of a PNG that has passed check_png(), and returns how many colors it has.
size_t remove_palette(std::string& png, const std::string& path) {
  for (size_t at = signature_bytes; at + 12 <= png.size();) {
    const size_t length = big_endian(png, at);
    if (png.compare(at + 4, 4, "PLTE") == 0) {
      png.erase(at, 12 + length);
      return length / 3;
    }
    at += 12 + length;
  }
  throw Error(ErrorKind::bad_data, path, ": bad PNG: it has no palette, although its header says so");
}

}  // namespace

SegmentationMap read_label_map(const std::string& path) {
  std::string png = read_file(path, largest_file);
  CP_ENSURE_AS(bad_data, png.compare(0, 8, "\x89PNG\r\n\x1A\n") == 0, path, ": not a PNG file; label maps are PNGs");
  detail::check_png(bytes_of(png), png.size(), path);
  const int depth = png[depth_at], color = png[color_at];
  CP_ENSURE_AS(bad_data, color == gray || color == palette, path, ": a PNG ",
               color == gray_and_alpha ? "with transparency" : "in color",
               ", whose pixels are no labels; valid are those in gray or with a palette");
  size_t labels = size_t{1} << depth;
  if (color == palette) {
    labels = std::min(labels, remove_palette(png, path));
    png.insert(signature_bytes + header_bytes, palette_chunk([](int i) {
                 return std::array<uint8_t, 3>{uint8_t(i), uint8_t(i), uint8_t(i)};
               }));
  }
  const GrayImage image = decode_gray(bytes_of(png), png.size(), path);
  // Of 8 bits and fewer, the highest value has become 65535, and index i of a palette 257 i.
  const int step = color == palette ? 257 : int(65535 / (labels - 1));
  SegmentationMap map{image.height, image.width, std::vector<int32_t>(image.levels.size())};
  for (size_t i = 0; i < map.labels.size(); ++i) {
    map.labels[i] = image.levels[i] / step;
    CP_ENSURE_AS(bad_data, map.labels[i] < int(labels), path, ": the pixel in row ", i / size_t(map.width), ", column ",
                 i % size_t(map.width), " has the index ", map.labels[i], ", but the palette has ", labels, " colors");
  }
  return map;
}

void write_label_map(const SegmentationMap& map, const std::string& path) {
  CP_ENSURE_AS(bad_data, map.height > 0 && map.width > 0 && map.labels.size() == size_t(map.height) * size_t(map.width),
               "cannot write ", path, ": the segmentation map has ", map.labels.size(), " labels but says ", map.width,
               " x ", map.height);
  int32_t highest = 0;
  for (size_t i = 0; i < map.labels.size(); ++i) {
    const int32_t label = map.labels[i];
    CP_ENSURE_AS(bad_data, 0 <= label && label <= 65535, "cannot write ", path, ": the label in row ",
                 i / size_t(map.width), ", column ", i % size_t(map.width), " is ", label, "; valid are 0 to 65535");
    highest = std::max(highest, label);
  }
  const bool wide = highest > 255;
  std::vector<uint8_t> pixels;
  pixels.reserve(map.labels.size() * (wide ? 2 : 1));
  for (const int32_t label : map.labels) {
    if (wide) pixels.push_back(uint8_t(label >> 8));
    pixels.push_back(uint8_t(label));
  }
  const auto append = [](void* to, void* from, int count) {
    static_cast<std::string*>(to)->append(static_cast<const char*>(from), size_t(count));
  };
  std::string png;
  const int channels = wide ? 2 : 1;
  CP_ENSURE(stbi_write_png_to_func(append, &png, map.width, map.height, channels, pixels.data(), map.width * channels),
            "cannot write ", path, ": a label map of ", map.width, " x ", map.height, " pixels cannot be encoded");
  std::string header = png.substr(signature_bytes + 8, header_bytes - 12);
  header[depth_at - signature_bytes - 8] = wide ? 16 : 8;
  header[color_at - signature_bytes - 8] = wide ? gray : palette;
  png.replace(signature_bytes, header_bytes, chunk("IHDR", header) + (wide ? "" : palette_chunk(voc_color)));
  write_file(path, png);
}

std::array<uint8_t, 3> voc_color(int label) {
  std::array<uint8_t, 3> color = {};
  for (int bit = 7; bit >= 0; --bit, label >>= 3) {
    for (int c = 0; c < 3; ++c) color[size_t(c)] |= uint8_t((label >> c & 1) << bit);
  }
  return color;
}

}  // namespace counterpoise::augment
