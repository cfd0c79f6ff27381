#include "data/images/resize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/error.h"

namespace counterpoise {

namespace {

void check_sizes(const Image& image, int height, int width) {
  CP_ENSURE(height > 0 && width > 0, "an image cannot be resized to ", width, " x ", height, " pixels");
  CP_ENSURE(image.height > 0 && image.width > 0 && image.rgb.size() == size_t(image.height) * image.width * 3,
            "an image to be resized has ", image.rgb.size(), " bytes but says ", image.width, " x ", image.height,
            " pixels");
}

// The weights of one axis in Pillow's fixed point: output i is the sum over k < count of
// weight[i * width + k] * input[first[i] + k] / 2^22.
struct Filter {
  std::vector<int> first, count, weight;
  int width;

  // The pixels that it looks at.
  int begin() const { return std::min(first.front(), first.back()); }
  int end() const { return std::max(first.front() + count.front(), first.back() + count.back()); }
};

constexpr int precision = 22;  // 8 bits of a pixel and 2 of safety below the 32 of an int

// From the part between `begin` and `end` of an axis of `from` pixels, mirrored if `begin` is the greater.
Filter triangle(int from, double begin, double end, int to) {
  const double scale = (end - begin) / to, radius = std::max(std::abs(scale), 1.0);
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

// Five neighboring pixels, as far as 16 lanes go: lane i is channel i % 3 of pixel i / 3, and the last one of no use.
constexpr int lanes = 16, pixels = 5;
using Ints = int __attribute__((vector_size(4 * lanes)));

// (Not returned by value, which g++ warns of where a register is smaller.)
void load(const uint8_t* bytes, Ints& v) {
  int ints[lanes];  // (A loop, because GCC 12 converts a vector of bytes one by one.)
  for (int i = 0; i < lanes; ++i) ints[i] = bytes[i];
  std::memcpy(&v, ints, sizeof v);
}

// The weights of a filter across, for one output after the other, five pixels at a time.
struct WeightsAcross {
  explicit WeightsAcross(const Filter& f) : steps((f.width + pixels - 1) / pixels) {
    weights.resize(f.first.size() * size_t(steps));
    for (size_t x = 0; x < f.first.size(); ++x) {
      for (int k = 0; k < f.count[x]; ++k) {
        const int weight = f.weight[x * size_t(f.width) + size_t(k)];
        Ints& of = weights[x * size_t(steps) + size_t(k / pixels)];
        for (int c = 0; c < 3; ++c) of[k % pixels * 3 + c] = weight;
      }
    }
  }
  int steps;
  std::vector<Ints> weights;
};

// A row of which so many bytes may be read behind the last pixel.
constexpr size_t padding = lanes;

void row_across(const uint8_t* row, const Filter& f, const WeightsAcross& across, uint8_t* to) {
  const Ints* weights = across.weights.data();
  for (size_t x = 0; x < f.first.size(); ++x, to += 3) {
    const uint8_t* from = row + size_t(f.first[x]) * 3;
    Ints sum, more;
    load(from, sum);
    sum *= *weights++;
    for (int step = 1; step < across.steps; ++step, ++weights) {
      // (Weights behind the last are 0, and the bytes there may be no pixels.)
      if (step * pixels >= f.count[x]) continue;
      load(from + step * pixels * 3, more);
      sum += more * *weights;
    }
    // The five pixels of each channel are added; only the first three lanes matter.
    const Ints two = sum + __builtin_shuffle(sum, Ints{6, 7, 8, 9, 10, 11, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15});
    const Ints four = two + __builtin_shuffle(two, Ints{3, 4, 5, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15});
    const Ints all =
        four + __builtin_shuffle(sum, Ints{12, 13, 14, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15});
    for (int c = 0; c < 3; ++c) to[c] = rounded(all[c]);
  }
}

// Columns become `f`'s.
Image resize_across(const Image& image, const Filter& f) {
  const size_t width = f.first.size(), row = size_t(image.width) * 3;
  Image out{image.height, int(width), std::vector<uint8_t>(size_t(image.height) * width * 3)};
  const WeightsAcross across(f);
  std::vector<uint8_t> padded(row + padding);
  for (size_t y = 0; y < size_t(image.height); ++y) {
    const uint8_t* from = image.rgb.data() + y * row;
    if ((y + 1) * row + padding > image.rgb.size()) {
      std::copy_n(from, row, padded.data());
      from = padded.data();
    }
    row_across(from, f, across, out.rgb.data() + y * width * 3);
  }
  return out;
}

// The weighted sums of `columns` bytes of several rows, which stay in the level-1 cache.
void sum_down(const uint8_t* from, size_t row, const int* weight, int count, size_t columns, uint8_t* to) {
  constexpr size_t block = 256;
  int sum[block];
  for (size_t first = 0; first < columns; first += block) {
    const size_t n = std::min(block, columns - first);
    for (size_t i = 0; i < n; ++i) sum[i] = 1 << (precision - 1);
    int k = 0;
    for (; k + 2 <= count; k += 2) {
      const uint8_t *a = from + size_t(k) * row + first, *b = a + row;
      for (size_t i = 0; i < n; ++i) sum[i] += weight[k] * a[i] + weight[k + 1] * b[i];
    }
    for (; k < count; ++k) {
      const uint8_t* a = from + size_t(k) * row + first;
      for (size_t i = 0; i < n; ++i) sum[i] += weight[k] * a[i];
    }
    for (size_t i = 0; i < n; ++i) to[first + i] = uint8_t(std::min(sum[i] >> precision, 255));
  }
}

// Rows become `f`'s, of the columns from `left` to `right`.
Image resize_down(const Image& image, const Filter& f, int left, int right) {
  const size_t row = size_t(image.width) * 3, bytes = size_t(right - left) * 3;
  const int height = int(f.first.size());
  Image out{height, right - left, std::vector<uint8_t>(height * bytes)};
  for (int y = 0; y < height; ++y) {
    const uint8_t* from = image.rgb.data() + f.first[y] * row + size_t(left) * 3;
    const int* weight = f.weight.data() + size_t(y) * f.width;
    uint8_t* to = out.rgb.data() + size_t(y) * bytes;
    sum_down(from, row, weight, f.count[y], bytes, to);
  }
  return out;
}

// The rows that a filter looks at, of which the first becomes row 0 of the filter.
Image rows_of(const Image& image, Filter& f) {
  const int first = f.begin(), end = f.end();
  if (first == 0 && end == image.height) return image;
  const ptrdiff_t row = ptrdiff_t{image.width} * 3;
  for (int& i : f.first) i -= first;
  return {end - first, image.width, {image.rgb.begin() + first * row, image.rgb.begin() + end * row}};
}

// For each of `to` positions of an axis the two pixels around it, and how far it is on the way between them.
struct Between {
  int lower, upper;
  float part;
};

std::vector<Between> half_pixel_positions(int from, int to) {
  std::vector<Between> positions(to);
  const float scale = float(from) / float(to);
  for (int i = 0; i < to; ++i) {
    const float at = (float(i) + 0.5f) * scale - 0.5f, floor = std::floor(at);
    positions[i] = {std::max(int(floor), 0), std::min(int(std::ceil(at)), from - 1), at - floor};
  }
  return positions;
}

}  // namespace

Image resize_bilinear(const Image& image, const Region& region, int height, int width) {
  check_sizes(image, height, width);
  const auto inside = [](double from, double to, int size) {
    return 0 <= from && from <= size && 0 <= to && to <= size && from != to;
  };
  CP_ENSURE(inside(region.left, region.right, image.width) && inside(region.top, region.bottom, image.height),
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
  const double rows = std::abs(region.bottom - region.top), columns = std::abs(region.right - region.left);
  const bool whole = rows == image.height && columns == image.width;
  const double fewer_rows = rows - height, fewer_columns = columns - width;
  if (whole ? fewer_rows > 0 && fewer_rows > 2 * fewer_columns : fewer_rows > 0) {
    const int left = across.begin(), right = across.end();
    for (int& first : across.first) first -= left;
    return resize_across(resize_down(image, down, left, right), across);
  }
  const Image narrow = resize_across(rows_of(image, down), across);
  return resize_down(narrow, down, 0, width);
}

Image resize_bilinear(const Image& image, int height, int width) {
  return resize_bilinear(image, {0, 0, double(image.width), double(image.height)}, height, width);
}

Image resize_keras(const Image& image, int height, int width) {
  check_sizes(image, height, width);
  const std::vector<Between> rows = half_pixel_positions(image.height, height);
  const std::vector<Between> columns = half_pixel_positions(image.width, width);
  Image out{height, width, std::vector<uint8_t>(size_t(height) * width * 3)};
  uint8_t* to = out.rgb.data();
  for (const Between& y : rows) {
    const uint8_t* above = image.rgb.data() + size_t(y.lower) * image.width * 3;
    const uint8_t* below = image.rgb.data() + size_t(y.upper) * image.width * 3;
    for (const Between& x : columns) {
      for (int c = 0; c < 3; ++c) {
        const float top_left = above[x.lower * 3 + c], top_right = above[x.upper * 3 + c];
        const float bottom_left = below[x.lower * 3 + c], bottom_right = below[x.upper * 3 + c];
        const float top = top_left + (top_right - top_left) * x.part;
        const float bottom = bottom_left + (bottom_right - bottom_left) * x.part;
        *to++ = static_cast<uint8_t>(std::lround(top + (bottom - top) * y.part));
      }
    }
  }
  return out;
}

Image resize(const Image& image, int height, int width, Resize how) {
  return how == Resize::keras ? resize_keras(image, height, width) : resize_bilinear(image, height, width);
}

Resize parse_resize(const std::string& name) {
  CP_ENSURE_AS(invalid_argument, name == "antialias" || name == "keras", "unknown way to resize images \"", name,
               "\"; valid are antialias and keras");
  return name == "keras" ? Resize::keras : Resize::antialias;
}

std::string to_string(Resize resize) { return resize == Resize::keras ? "keras" : "antialias"; }

}  // namespace counterpoise
