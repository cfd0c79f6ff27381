// The check of exercise 10: the gradient of a weighted batch against that of the same batch with copies of samples,
// which the library computes.

// The gradient of the mean binary cross-entropy with respect to w and b, without weights.
std::vector<double> plain_gradient(const std::vector<std::vector<double>>& x, const std::vector<int>& y,
                                   const std::vector<double>& w, double b) {
  const Index N = static_cast<Index>(x.size()), D = static_cast<Index>(w.size());
  std::vector<double> all;
  for (const std::vector<double>& row : x) all.insert(all.end(), row.begin(), row.end());
  const Var vw(Tensor::from<double>(cpu_backend(), {D, 1}, w), true),
      vb(Tensor::full(cpu_backend(), {1}, b, DType::f64), true);
  Loss bce("bce");
  bce(matmul(Var(Tensor::from<double>(cpu_backend(), {N, D}, all)), vw) + vb, {y.begin(), y.end()}).backward();
  std::vector<double> g = vw.grad().to_vector<double>();
  g.push_back(vb.grad().item());
  return g;
}

void check_weights(Checker& c) {
  std::vector<int64_t> counts;
  double N = 0, total = 0;
  for (int k = c.whole(2, 5); k > 0; --k) counts.push_back(c.whole(1, 2000)), N += static_cast<double>(counts.back());
  const std::vector<double> weights = class_weights(counts);
  c.expect(weights.size() == counts.size(), "there should be a weight for each of the " +
                                                std::to_string(counts.size()) + " classes, but there are " +
                                                std::to_string(weights.size()));
  for (size_t k = 0; k < counts.size(); ++k) {
    const double of_class = weights[k] * static_cast<double>(counts[k]);
    total += of_class;
    c.near(of_class / N, weights[0] * static_cast<double>(counts[0]) / N, 1e-10,
           "the share of the whole weight that class " + std::to_string(k) + " has");
  }
  c.near(total / N, 1, 1e-10, "the mean of the weights of all samples");
}

void check(Checker& c) {
  for (int trial = 0; trial < 20; ++trial) {
    check_weights(c);
    // A training set where each sample of one class has to come `copies` times, and a batch of any part of it.
    const int copies = c.whole(2, 12), few = c.whole(3, 30), rare = c.whole(0, 1);
    std::vector<int64_t> counts(2, few);
    counts[static_cast<size_t>(1 - rare)] = static_cast<int64_t>(few) * copies;
    std::vector<std::vector<double>> x, x_over;
    std::vector<int> y, y_over;
    const size_t features = static_cast<size_t>(c.whole(1, 4));
    for (int n = c.whole(4, 24); n > 0; --n) {
      const std::vector<double> row = c.normals(features);
      const int label = n <= 2 ? n - 1 : c.whole(0, 1);  // both classes are there
      x.push_back(row), y.push_back(label);
      for (int copy = label == rare ? copies : 1; copy > 0; --copy) x_over.push_back(row), y_over.push_back(label);
    }
    const std::vector<double> w = c.normals(features), weights = class_weights(counts);
    const double b = c.normal();
    const std::vector<double> found = weighted_gradient(x, y, weights, w, b),
                              expected = plain_gradient(x_over, y_over, w, b);
    c.expect(found.size() == expected.size(), "the gradient should have " + std::to_string(expected.size()) +
                                                  " numbers, but has " + std::to_string(found.size()));
    for (size_t i = 0; i < found.size(); ++i) {
      c.near(found[i], expected[i], 1e-10,
             "with " + std::to_string(copies) + " copies of each sample of class " + std::to_string(rare) +
                 " the derivative with respect to " + (i < features ? "w[" + std::to_string(i) + "]" : "b"));
    }
  }
}
