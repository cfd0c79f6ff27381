// The cpu backend's augmentation: a vector holds the channels of a pixel, and the threads share the rows of all images.
#include "kernels/cpu/images.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include "kernels/cpu/color.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"

namespace counterpoise {

namespace {

using Words = uint32_t __attribute__((vector_size(16)));
using Ints = int32_t __attribute__((vector_size(16)));
using Floats = float __attribute__((vector_size(16)));

// The pixel at `p` and the byte after it, which is not used. Shifts, because GCC 12 converts a vector of bytes one by
// one.
Floats load(const uint8_t* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap32(word);
#endif
  const Words bytes = (Words{word, word, word, word} >> Words{0, 8, 16, 24}) & 255;
  return __builtin_convertvector((Ints)bytes, Floats);
}

// sample_bilinear() of kernels/image_transform.h, faster where all four pixels are inside.
void sample(const SourceImage& image, const ImageTransform& t, float u, float v, float* out) {
  // (The fourth byte of a pixel belongs to the same row, too.)
  if (!(u >= 0 && v >= 0 && u < float(image.width - 2) && v < float(image.height - 1))) {
    return sample_bilinear(image, t, u, v, out);
  }
  const int x = int(u), y = int(v);
  const float fx = u - float(x), fy = v - float(y);
  const ptrdiff_t row = ptrdiff_t{image.width} * 3;
  const uint8_t* p = image.rgb + y * row + ptrdiff_t{3} * x;
  const Floats a = load(p), b = load(p + 3), c = load(p + row), d = load(p + row + 3);
  const Floats upper = a + fx * (b - a), lower = c + fx * (d - c);
  const Floats pixel = upper + fy * (lower - upper);
  std::memcpy(out, &pixel, 3 * sizeof(float));
}

// A run whose pixels are pixels of the image, or outside of it.
void copy_run(const SourceImage& image, const ImageTransform& t, int row, int first, int count, float* rgb) {
  const bool forwards = t.from[0][0] > 0;
  const int64_t line = int64_t(t.from[1][2]) + (t.from[1][1] > 0 ? row : -row - 1);
  // The row, and the column of the run's first pixel. (Mirrored, a pixel's right and lower edges are read first.)
  const int64_t column = int64_t(t.from[0][2]) + (forwards ? first : -first - 1);
  const int64_t last = column + (forwards ? count - 1 : 1 - count);
  const auto inside = [&](int64_t x) { return 0 <= x && x < image.width; };
  if (0 <= line && line < image.height && inside(column) && inside(last)) {
    const uint8_t* from = image.rgb + (line * image.width + column) * 3;
    if (forwards) {
      std::copy_n(from, count * 3, rgb);
    } else {
      for (int x = 0; x < count; ++x) std::copy_n(from - 3 * x, 3, rgb + 3 * x);
    }
    return;
  }
  for (int x = 0; x < count; ++x) {
    for (int c = 0; c < 3; ++c) rgb[3 * x + c] = pixel_at(image, t, column + (forwards ? x : -x), line, c);
  }
}

}  // namespace

namespace detail {

void sample_run(const SourceImage& image, const ImageTransform& t, int result_width, int row, int first, int count,
                float* rgb) {
  if (t.whole_pixels()) return copy_run(image, t, row, first, count, rgb);
  const TransformedRow transformed(t, result_width, row);
  for (int x = 0; x < count; ++x) {
    float u, v;
    transformed.place(first + x, u, v);
    sample(image, t, u, v, rgb + 3 * x);
  }
}

}  // namespace detail

void CpuBackend::images(const ConstView& bytes, const ConstView& index, const ConstView& transforms, const View& y) {
  const int H = int(y.shape[1]), W = int(y.shape[2]), height = int(bytes.shape[1]), width = int(bytes.shape[2]);
  const ImageTransform* transform = transforms.as<ImageTransform>();
  const auto image = [&](Index n) {
    return SourceImage{bytes.as<uint8_t>() + index.as<int32_t>()[n] * Index(height) * width * 3, height, width};
  };
  std::vector<std::array<float, ImageTransform::max_colors>> means(size_t(y.shape[0]));
  parallel_for(y.shape[0], 1, [&](Index begin, Index end) {
    for (Index n = begin; n < end; ++n) {
      const ImageTransform& t = transform[n];
      if (t.contrast() < 0) continue;
      const auto read = [&, source = image(n)](int row, int first, int count, float* rgb) {
        detail::sample_run(source, t, W, row, first, count, rgb);
      };
      detail::contrast_means(t.colors, t.contrast() + 1, H, W, means[size_t(n)].data(), read);
    }
  });
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(y.shape[0] * H, std::max<Index>(1, thread_grain / (Index(W) * 3)), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Index n = i / H;
        const int row = int(i % H);
        const ImageTransform& t = transform[n];
        const int colors = t.color_count();
        T* out = y.as<T>() + i * W * 3;
        detail::each_run(W, [&](int first, int count) {
          float rgb[3 * detail::color_run];
          detail::sample_run(image(n), t, W, row, first, count, rgb);
          if (colors > 0) detail::change_colors(t.colors, colors, means[size_t(n)].data(), rgb, count);
          const ImageTransform::Rectangle& erased = t.erased;
          if (erased.top <= row && row < erased.bottom) {
            for (int x = std::max(erased.left - first, 0); x < std::min(erased.right - first, count); ++x) {
              for (int c = 0; c < 3; ++c) rgb[3 * x + c] = erased.fill[c];
            }
          }
          for (int k = 0; k < 3 * count; ++k) out[3 * first + k] = T(scale_pixel(rgb[k]));
        });
      }
    });
  });
}

}  // namespace counterpoise
