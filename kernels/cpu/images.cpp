// The cpu backend's augmentation: a vector holds the channels of a pixel, and the threads share the rows of all images.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/parallel.h"
#include "kernels/image_transform.h"

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

// sample_bilinear() and sample_bilinear_zero() of kernels/image_transform.h.
void sample(const uint8_t* rgb, int height, int width, float x, float y, ImageTransform::Border border, float* out) {
  if (border == ImageTransform::Border::zero && !(x >= 0 && x <= width - 1 && y >= 0 && y <= height - 1)) {
    sample_bilinear_zero(rgb, height, width, x, y, out);
    return;
  }
  const int x0 = static_cast<int>(x), y0 = static_cast<int>(y);
  const float fx = x - x0, fy = y - y0;
  if (x0 + 2 < width && y0 + 1 < height) {  // the fourth byte belongs to the same row
    const ptrdiff_t row = static_cast<ptrdiff_t>(width) * 3;
    const uint8_t* p = rgb + y0 * row + ptrdiff_t{3} * x0;
    const Floats a = load(p), b = load(p + 3), c = load(p + row), d = load(p + row + 3);
    const Floats upper = a + fx * (b - a), lower = c + fx * (d - c);
    const Floats pixel = upper + fy * (lower - upper);
    std::memcpy(out, &pixel, 3 * sizeof(float));
    return;
  }
  sample_bilinear(rgb, height, width, x, y, out);
}

// Whether rows stay rows, and pixels fall on pixels: nothing to interpolate.
bool is_copy_or_mirror(const ImageTransform& t) {
  const auto& m = t.map;
  return std::abs(m[0][0]) == 1 && m[0][1] == 0 && m[0][2] == 0 && m[1][0] == 0 && m[1][1] == 1 && m[1][2] == 0;
}

// `count` pixels of a row from `first` on, 0 to 255.
void sample_run(const ImageTransform& t, const uint8_t* rgb, int H, int W, int row, int first, int count, float* out) {
  if (is_copy_or_mirror(t)) {
    const uint8_t* line = rgb + static_cast<ptrdiff_t>(row) * W * 3;
    if (t.map[0][0] > 0) {
      std::copy_n(line + first * 3, count * 3, out);
    } else {
      for (int x = 0; x < count; ++x) std::copy_n(line + (W - 1 - first - x) * 3, 3, out + x * 3);
    }
  } else {
    const TransformedRow transformed(t, H, W, row);
    for (int x = 0; x < count; ++x) {
      float u, v;
      transformed.place(first + x, u, v);
      sample(rgb, H, W, u, v, t.border, out + x * 3);
    }
  }
  if (t.pixels[0].formula == PixelFormula::none) return;
  for (int x = 0; x < count; ++x) t.apply_formulas(out + x * 3);
}

}  // namespace

void CpuBackend::images(const ConstView& bytes, const ConstView& index, const ConstView& transforms, const View& y) {
  const int H = static_cast<int>(y.shape[1]), W = static_cast<int>(y.shape[2]);
  constexpr int run = 128;  // pixels that stay in the level-1 cache between the steps
  dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    parallel_for(y.shape[0] * H, std::max<Index>(1, thread_grain / (Index(W) * 3)), [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) {
        const Index n = i / H;
        const int row = static_cast<int>(i % H);
        const uint8_t* image = bytes.as<uint8_t>() + index.as<int32_t>()[n] * Index(H) * W * 3;
        T* out = y.as<T>() + i * W * 3;
        for (int first = 0; first < W; first += run) {
          const int count = std::min(run, W - first);
          float pixels[3 * run];
          sample_run(transforms.as<ImageTransform>()[n], image, H, W, row, first, count, pixels);
          for (int k = 0; k < 3 * count; ++k) out[3 * first + k] = T(scale_pixel(pixels[k]));
        }
      }
    });
  });
}

}  // namespace counterpoise
