// Wrong solutions of exercise 6: 1 the kernel rotated by 180°, 2 no bias, 3 padding on the lower right alone.

FeatureMap convolve(const FeatureMap& x, const Kernels& kernels, int stride, int pad) {
  const int n = kernels.size;
  FeatureMap y = {(x.height + 2 * pad - n) / stride + 1, (x.width + 2 * pad - n) / stride + 1, kernels.count, {}};
  for (int p = 0; p < y.height; ++p)
    for (int q = 0; q < y.width; ++q)
      for (int k = 0; k < kernels.count; ++k) {
        double sum = MUTANT == 2 ? 0 : kernels.bias[static_cast<size_t>(k)];
        for (int r = 0; r < n; ++r)
          for (int s = 0; s < n; ++s) {
            const int row = p * stride + r - (MUTANT == 3 ? 0 : pad), column = q * stride + s - (MUTANT == 3 ? 0 : pad);
            if (row < 0 || row >= x.height || column < 0 || column >= x.width) continue;
            const int at = MUTANT == 1 ? (k * n + n - 1 - r) * n + n - 1 - s : (k * n + r) * n + s;
            for (int c = 0; c < x.channels; ++c) {
              sum += kernels.weights[static_cast<size_t>(at * x.channels + c)] *
                     x.values[static_cast<size_t>((row * x.width + column) * x.channels + c)];
            }
          }
        y.values.push_back(sum);
      }
  return y;
}
