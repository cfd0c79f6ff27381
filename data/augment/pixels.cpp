#include "data/augment/pixels.h"

#include <algorithm>
#include <cmath>

#include "data/augment/rows.h"
#include "kernels/cpu/color.h"

namespace counterpoise::augment {

namespace {

uint8_t rounded(float value) { return uint8_t(std::clamp(std::floor(value + 0.5f), 0.0f, 255.0f)); }

// Replaces each level v by table(v), rounded down.
template <class Table>
void replace_levels(Image& image, const Table& table) {
  Levels levels;
  for (int v = 0; v < 256; ++v) levels[size_t(v)] = uint8_t(std::clamp<float>(table(float(v)), 0, 255));
  look_up(image, {levels, levels, levels});
}

int mirrored(int i, int n) { return within(i, n, ImageBorder::reflect_101); }

// The radius of imgaug's kernel.
int blur_radius(double sigma) {
  const double spanned = sigma * (sigma < 3 ? 3.3 : sigma < 5 ? 2.9 : 2.6);
  return std::max(int(spanned), 5) / 2;  // an even size is made odd
}

}  // namespace

std::vector<float> gaussian_weights(double sigma, int radius) {
  std::vector<double> weights;
  double sum = 0;
  for (int i = 0; i <= radius; ++i) {
    weights.push_back(std::exp(-0.5 * i * i / (sigma * sigma)));
    sum += i == 0 ? 1 : 2 * weights.back();
  }
  std::vector<float> y;
  for (const double weight : weights) y.push_back(float(weight / sum));
  return y;
}

void gaussian_blur(Image& image, double sigma) {
  check_range("the standard deviation of a blur", sigma, 0, 1000);
  if (sigma < 1e-3) return;
  const int radius = blur_radius(sigma);
  const std::vector<float> weights = gaussian_weights(sigma, radius);
  const int width = image.width, height = image.height;
  const size_t row = size_t(width) * 3;
  // Where in a row the pixels stand from `radius` before its first to `radius` after its last.
  std::vector<size_t> places;
  for (int j = -radius; j < width + radius; ++j) places.push_back(size_t(mirrored(j, width)) * 3);
  std::vector<float> across(row * size_t(height)), sums(row * size_t(cpu_threads()));
  each_rows(image, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const uint8_t* from = image.rgb.data() + size_t(i) * row;
      float* to = across.data() + size_t(i) * row;
      for (int j = 0; j < width; ++j) {
        for (int k = -radius; k <= radius; ++k) {
          const uint8_t* pixel = from + places[size_t(j + k + radius)];
          for (size_t c = 0; c < 3; ++c) to[size_t(j) * 3 + c] += weights[size_t(std::abs(k))] * pixel[c];
        }
      }
    }
  });
  each_rows(image, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      float* sum = sums.data() + size_t(thread_slot()) * row;
      std::fill_n(sum, row, 0.0f);
      for (int k = -radius; k <= radius; ++k) {
        const float* from = across.data() + size_t(mirrored(int(i) + k, height)) * row;
        for (size_t j = 0; j < row; ++j) sum[j] += weights[size_t(std::abs(k))] * from[j];
      }
      for (size_t j = 0; j < row; ++j) image.rgb[size_t(i) * row + j] = rounded(sum[j]);
    }
  });
}

void additive_gaussian_noise(Image& image, double scale, bool per_channel, Random& rng) {
  check_range("the standard deviation of noise", scale, 0, 1000);
  const uint64_t key = rng.bits64();
  if (scale == 0) return;
  each_rows(image, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      Random own(key, Stream::augment, uint64_t(i));  // of a row, so that threads share nothing
      uint8_t* pixel = image.rgb.data() + size_t(i) * size_t(image.width) * 3;
      for (int j = 0; j < image.width; ++j, pixel += 3) {
        float noise = 0;
        for (int c = 0; c < 3; ++c) {
          if (c == 0 || per_channel) noise = std::nearbyint(float(scale) * own.normal());
          pixel[c] = rounded(pixel[c] + noise);
        }
      }
    }
  });
}

void linear_contrast(Image& image, double alpha) {
  check_range("the strength of a contrast", alpha, -1000, 1000);
  // (The product is rounded before the sum, as in NumPy: fused, some levels are one lower.)
  replace_levels(image, [a = double(float(alpha))](float v) { return 127 + float(a * (double{v} - 127)); });
}

void sharpen(Image& image, double alpha, double lightness) {
  check_range("the strength of sharpening", alpha, 0, 1);
  check_range("the lightness of sharpening", lightness, 0, 1000);
  const int width = image.width, height = image.height;
  const float around = float(-alpha), middle = float(1 - alpha + alpha * (8 + lightness));
  const std::vector<uint8_t> before = image.rgb;
  each_rows(image, [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      const uint8_t* rows[3];
      for (int k = 0; k < 3; ++k)
        rows[k] = before.data() + size_t(mirrored(int(i) + k - 1, height)) * size_t(width) * 3;
      for (int j = 0; j < width; ++j) {
        const size_t left = size_t(mirrored(j - 1, width)) * 3, at = size_t(j) * 3,
                     right = size_t(mirrored(j + 1, width)) * 3;
        for (size_t c = 0; c < 3; ++c) {
          int neighbors = rows[1][left + c] + rows[1][right + c];
          for (const uint8_t* row : {rows[0], rows[2]}) neighbors += row[left + c] + row[at + c] + row[right + c];
          const float value = middle * rows[1][at + c] + around * float(neighbors);
          image.rgb[size_t(i) * size_t(width) * 3 + at + c] = rounded(value);
        }
      }
    }
  });
}

void multiply(Image& image, double factor) {
  check_range("the factor of an image", factor, 0, 1000);
  replace_levels(image, [f = float(factor)](float v) { return v * f; });
}

void add(Image& image, double value) {
  check_range("what is added to an image", value, -1000, 1000);
  replace_levels(image, [value = float(std::nearbyint(value))](float v) { return v + value; });
}

void change_colors(Image& image, const std::vector<ColorChange>& changes) {
  for (const ColorChange& change : changes) {
    CP_ENSURE_AS(invalid_argument, std::isfinite(change.a) && std::isfinite(change.b),
                 "a change of color by numbers that are not finite");
    if (change.formula == ColorFormula::hue) check_range("the turn of a hue", double{change.a}, -0.5, 0.5);
  }
  const int n = int(changes.size());
  const auto at = [&](int row, int first) { return (size_t(row) * size_t(image.width) + size_t(first)) * 3; };
  const auto read = [&](int row, int first, int count, float* rgb) {
    const uint8_t* from = image.rgb.data() + at(row, first);
    for (int i = 0; i < 3 * count; ++i) rgb[i] = from[i];
  };
  std::vector<float> means(changes.size());
  counterpoise::detail::contrast_means(changes.data(), n, image.height, image.width, means.data(), read);
  each_rows(image, [&](Index begin, Index end) {
    for (Index row = begin; row < end; ++row) {
      counterpoise::detail::each_run(image.width, [&](int first, int count) {
        float rgb[3 * counterpoise::detail::color_run];
        read(int(row), first, count, rgb);
        counterpoise::detail::change_colors(changes.data(), n, means.data(), rgb, count);
        uint8_t* to = image.rgb.data() + at(int(row), first);
        for (int i = 0; i < 3 * count; ++i) to[i] = uint8_t(int(rgb[i] + 0.5f));  // from 0 to 255
      });
    }
  });
}

void normalize(const Image& image, const std::array<double, 3>& mean, const std::array<double, 3>& deviation,
               float* out) {
  float scale[3], shift[3];
  for (size_t c = 0; c < 3; ++c) scale[c] = float(1 / (255 * deviation[c])), shift[c] = float(-mean[c] / deviation[c]);
  const size_t pixels = image.rgb.size() / 3;
  for (size_t i = 0; i < pixels; ++i) {
    for (size_t c = 0; c < 3; ++c) out[3 * i + c] = scale[c] * float(image.rgb[3 * i + c]) + shift[c];
  }
}

void fill_rectangle(Image& image, const ImageTransform::Rectangle& rectangle) {
  const int left = std::max(rectangle.left, 0), right = std::min(rectangle.right, image.width);
  for (int i = std::max(rectangle.top, 0); i < std::min(rectangle.bottom, image.height); ++i) {
    for (int j = left; j < right; ++j) {
      std::copy_n(rectangle.fill, 3, image.rgb.begin() + (ptrdiff_t{i} * image.width + j) * 3);
    }
  }
}

}  // namespace counterpoise::augment
