#include "data/images/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/error.h"

namespace counterpoise {

namespace {

// The weights of one axis in Pillow's fixed point: output i is the sum over k < count of
// weight[i * width + k] * input[first[i] + k] / 2^22.
struct Filter {
  std::vector<int> first, count, weight;
  int width;

  int end() const { return first.back() + count.back(); }
};

constexpr int precision = 22;  // 8 bits of a pixel and 2 of safety below the 32 of an int

// From the part [begin, end) of an axis of `from` pixels.
Filter triangle(int from, double begin, double end, int to) {
  const double scale = (end - begin) / to, radius = std::max(scale, 1.0);
  Filter f;
  f.width = int(std::ceil(radius)) * 2 + 1;
  f.first.resize(to);
  f.count.resize(to);
  f.weight.resize(size_t(to) * f.width);
  std::vector<double> w(f.width);
  for (int i = 0; i < to; ++i) {
    const double center = begin + (i + 0.5) * scale;
    const int low = std::max(int(center - radius + 0.5), 0);
    const int n = std::min(int(center + radius + 0.5), from) - low;
    double sum = 0;
    for (int k = 0; k < n; ++k) sum += w[k] = std::max(1 - std::abs((k + low - center + 0.5) * (1 / radius)), 0.0);
    for (int k = 0; k < n; ++k) f.weight[size_t(i) * f.width + k] = int(0.5 + w[k] / sum * (1 << precision));
    f.first[i] = low;
    f.count[i] = n;
  }
  return f;
}

uint8_t rounded(int sum) { return std::min((sum + (1 << (precision - 1))) >> precision, 255); }

using Words = uint32_t __attribute__((vector_size(16)));

// A pixel's channels in the first three lanes. Reads a byte more than the pixel has.
Words load_pixel(const uint8_t* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap32(word);
#endif
  return (Words{word, word, word, word} >> Words{0, 8, 16, 24}) & 255;
}

// A row of pixels of which a byte may be read behind the last.
void row_across(const uint8_t* row, const Filter& f, uint8_t* to) {
  for (size_t x = 0; x < f.first.size(); ++x, to += 3) {
    const uint8_t* from = row + size_t(f.first[x]) * 3;
    const int* weight = f.weight.data() + x * f.width;
    Words sum = {};
    for (int k = 0; k < f.count[x]; ++k, from += 3) sum += uint32_t(weight[k]) * load_pixel(from);
    for (int c = 0; c < 3; ++c) to[c] = rounded(int(sum[c]));
  }
}

// Columns become `f`'s.
Image resize_across(const Image& image, const Filter& f) {
  const size_t width = f.first.size(), row = size_t(image.width) * 3;
  Image out{image.height, int(width), std::vector<uint8_t>(size_t(image.height) * width * 3)};
  std::vector<uint8_t> last(image.rgb.end() - row, image.rgb.end());
  last.push_back(0);
  for (int y = 0; y < image.height; ++y) {
    row_across(y + 1 < image.height ? image.rgb.data() + y * row : last.data(), f, out.rgb.data() + y * width * 3);
  }
  return out;
}

// Rows become `f`'s, of the columns from `left` to `right`.
Image resize_down(const Image& image, const Filter& f, int left, int right) {
  const size_t row = size_t(image.width) * 3, bytes = size_t(right - left) * 3;
  const int height = int(f.first.size());
  Image out{height, right - left, std::vector<uint8_t>(height * bytes)};
  std::vector<int> sum(bytes);
  for (int y = 0; y < height; ++y) {
    std::fill(sum.begin(), sum.end(), 0);
    for (int k = 0; k < f.count[y]; ++k) {
      const uint8_t* from = image.rgb.data() + (f.first[y] + k) * row + size_t(left) * 3;
      const int weight = f.weight[size_t(y) * f.width + k];
      for (size_t i = 0; i < bytes; ++i) sum[i] += weight * from[i];
    }
    std::transform(sum.begin(), sum.end(), out.rgb.begin() + y * bytes, rounded);
  }
  return out;
}

// The rows that a filter looks at, of which the first becomes row 0 of the filter.
Image rows_of(const Image& image, Filter& f) {
  const int first = f.first.front(), end = f.end();
  if (first == 0 && end == image.height) return image;
  const ptrdiff_t row = ptrdiff_t{image.width} * 3;
  for (int& i : f.first) i -= first;
  return {end - first, image.width, {image.rgb.begin() + first * row, image.rgb.begin() + end * row}};
}

}  // namespace

Image resize_bilinear(const Image& image, const Region& region, int height, int width) {
  CP_ENSURE(height > 0 && width > 0, "an image cannot be resized to ", width, " x ", height, " pixels");
  CP_ENSURE(image.height > 0 && image.width > 0 && image.rgb.size() == size_t(image.height) * image.width * 3,
            "an image to be resized has ", image.rgb.size(), " bytes but says ", image.width, " x ", image.height,
            " pixels");
  CP_ENSURE(0 <= region.left && region.left < region.right && region.right <= image.width && 0 <= region.top &&
                region.top < region.bottom && region.bottom <= image.height,
            "a part to be resized is not within the image: from (", region.left, ", ", region.top, ") to (",
            region.right, ", ", region.bottom, ") of ", image.width, " x ", image.height, " pixels");
  const bool same_columns = region.left == 0 && region.right == image.width && width == image.width;
  const bool same_rows = region.top == 0 && region.bottom == image.height && height == image.height;
  if (same_columns && same_rows) return image;
  if (same_columns) {
    return resize_down(image, triangle(image.height, region.top, region.bottom, height), 0, image.width);
  }
  Filter across = triangle(image.width, region.left, region.right, width);
  if (same_rows) return resize_across(image, across);
  Filter down = triangle(image.height, region.top, region.bottom, height);
  // Pillow's rule for a whole image; older versions of it always go across first, which differs by 1 at most. Of a part
  // only what the filters look at is touched, and going down first vectorizes better.
  const double rows = region.bottom - region.top, columns = region.right - region.left;
  const bool whole = rows == image.height && columns == image.width;
  const double fewer_rows = rows - height, fewer_columns = columns - width;
  if (whole ? fewer_rows > 0 && fewer_rows > 2 * fewer_columns : fewer_rows > 0) {
    const int left = across.first.front(), right = across.end();
    for (int& first : across.first) first -= left;
    return resize_across(resize_down(image, down, left, right), across);
  }
  const Image narrow = resize_across(rows_of(image, down), across);
  return resize_down(narrow, down, 0, width);
}

Image resize_bilinear(const Image& image, int height, int width) {
  return resize_bilinear(image, {0, 0, double(image.width), double(image.height)}, height, width);
}

}  // namespace counterpoise
