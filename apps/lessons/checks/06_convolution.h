// The check of exercise 6: random images and kernels, compared with the library's conv2d.

void check_one(Checker& c, int height, int width, int channels, int count, int size, int stride, int pad) {
  const auto numbers = [&](int n) { return c.normals(static_cast<size_t>(n)); };
  const FeatureMap x = {height, width, channels, numbers(height * width * channels)};
  const Kernels kernels = {count, size, channels, numbers(count * size * size * channels), numbers(count)};
  const Tensor y = conv2d(Tensor::from<double>(cpu_backend(), {1, height, width, channels}, x.values),
                          Tensor::from<double>(cpu_backend(), {count, size, size, channels}, kernels.weights),
                          Tensor::from<double>(cpu_backend(), {count}, kernels.bias), {stride, pad})
                       .value();
  const FeatureMap found = convolve(x, kernels, stride, pad);
  const auto text = [](int n) { return std::to_string(n); };
  const std::string of = "of " + text(height) + " x " + text(width) + " pixels, kernel " + text(size) + ", stride " +
                         text(stride) + ", padding " + text(pad);
  const int rows = static_cast<int>(y.shape()[1]), columns = static_cast<int>(y.shape()[2]);
  c.expect(found.height == rows && found.width == columns && found.channels == count,
           "the result " + of + " should have " + text(rows) + " x " + text(columns) + " x " + text(count) +
               " numbers, but says that it has " + text(found.height) + " x " + text(found.width) + " x " +
               text(found.channels));
  const std::vector<double> expected = y.to_vector<double>();
  c.expect(found.values.size() == expected.size(), "the result " + of + " should hold " +
                                                       std::to_string(expected.size()) + " numbers, but holds " +
                                                       std::to_string(found.values.size()));
  for (size_t i = 0; i < expected.size(); ++i) {
    const int place = static_cast<int>(i) / count;
    c.near(found.values[i], expected[i], 1e-9,
           "the result " + of + " at row " + text(place / columns) + ", column " + text(place % columns) + ", kernel " +
               text(static_cast<int>(i) % count));
  }
}

void check(Checker& c) {
  // One number, a plain kernel, then padding, stride, channels and kernels.
  check_one(c, 1, 1, 1, 1, 1, 1, 0);
  check_one(c, 4, 5, 1, 1, 3, 1, 0);
  check_one(c, 4, 5, 1, 1, 3, 1, 1);
  check_one(c, 6, 7, 1, 1, 3, 2, 0);
  check_one(c, 4, 3, 2, 3, 3, 1, 1);
  for (int trial = 0; trial < 20; ++trial) {
    const int size = c.whole(1, 4);
    check_one(c, c.whole(size, 8), c.whole(size, 8), c.whole(1, 3), c.whole(1, 3), size, c.whole(1, 3),
              c.whole(0, size - 1));
  }
}
