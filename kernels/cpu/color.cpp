#include "kernels/cpu/color.h"

#include "kernels/cpu/simd.h"

namespace counterpoise::detail {

namespace {

// A run with the channels apart, padded to whole vectors.
struct Channels {
  static constexpr int size = (color_run + lanes<float> - 1) / lanes<float> * lanes<float>;
  float r[size], g[size], b[size];

  Channels(const float* rgb, int count) {
    for (int i = 0; i < count; ++i) r[i] = rgb[3 * i], g[i] = rgb[3 * i + 1], b[i] = rgb[3 * i + 2];
    for (int i = count; i % lanes<float> != 0; ++i) r[i] = g[i] = b[i] = 0;
  }

  void change(const ColorChange* changes, int n, const float* means, int count) {
    for (int i = 0; i < count; i += lanes<float>) {
      Vec<float> red = load(r + i), green = load(g + i), blue = load(b + i);
      for (int k = 0; k < n; ++k) change_color(changes[k], means[k], red, green, blue);
      store(r + i, red), store(g + i, green), store(b + i, blue);
    }
  }
};

}  // namespace

void change_colors(const ColorChange* changes, int n, const float* means, float* rgb, int count) {
  Channels channels(rgb, count);
  channels.change(changes, n, means, count);
  for (int i = 0; i < count; ++i) {
    rgb[3 * i] = channels.r[i], rgb[3 * i + 1] = channels.g[i], rgb[3 * i + 2] = channels.b[i];
  }
}

double sum_gray(const ColorChange* changes, int n, const float* means, const float* rgb, int count) {
  Channels channels(rgb, count);
  channels.change(changes, n, means, count);
  Vec<float> sums{};
  int i = 0;
  for (; i + lanes<float> <= count; i += lanes<float>) {
    sums += gray(load(channels.r + i), load(channels.g + i), load(channels.b + i));
  }
  double sum = 0;
  for (int k = 0; k < lanes<float>; ++k) sum += double{sums[k]};
  for (; i < count; ++i) sum += double{gray(channels.r[i], channels.g[i], channels.b[i])};
  return sum;
}

}  // namespace counterpoise::detail
