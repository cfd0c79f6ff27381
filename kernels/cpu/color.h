// Changes of the color of many pixels at once, from kernels/color.h.
//
// Pixels come in runs, which stay in the level-1 cache between the steps: `count` pixels, at most color_run, as floats
// with the three channels of a pixel together. Safe to call from any thread.
#pragma once

#include <algorithm>

#include "kernels/color.h"

namespace counterpoise::detail {

constexpr int color_run = 128;

// Makes the changes in order. means[i] is the mean gray that change i looks at.
void change_colors(const ColorChange* changes, int n, const float* means, float* rgb, int count);

// The sum of the gray of the pixels, after the changes.
double sum_gray(const ColorChange* changes, int n, const float* means, const float* rgb, int count);

// Calls fn(first, count) for the runs of a row.
template <class Fn>
void each_run(int width, const Fn& fn) {
  for (int first = 0; first < width; first += color_run) fn(first, std::min(color_run, width - first));
}

// means[i] becomes the mean gray of an image before change i where that is a contrast. read(row, first, count, rgb)
// gives a run of the image before all changes.
template <class Read>
void contrast_means(const ColorChange* changes, int n, int height, int width, float* means, const Read& read) {
  for (int i = 0; i < n; ++i) {
    means[i] = 0;
    if (changes[i].formula != ColorFormula::contrast) continue;
    double sum = 0;
    for (int row = 0; row < height; ++row) {
      each_run(width, [&](int first, int count) {
        float rgb[3 * color_run];
        read(row, first, count, rgb);
        sum += sum_gray(changes, i, means, rgb, count);
      });
    }
    means[i] = float(sum / (double(height) * width));
  }
}

}  // namespace counterpoise::detail
