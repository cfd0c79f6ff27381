// The check of exercise 9: the losses against long doubles, the gradients against differences of the loss.

void check_batch(Checker& c, const std::vector<double>& z, const std::vector<int>& y,
                 const std::array<double, 2>& weights) {
  const Shares found = shares(z, y, weights);
  long double losses[2] = {};
  double gradients[2] = {};
  const double h = 1e-4;
  for (size_t n = 0; n < z.size(); ++n) {
    const long double surprise = std::log1p(std::exp(static_cast<long double>(y[n] == 1 ? -z[n] : z[n])));
    losses[y[n]] += weights[y[n]] * surprise / static_cast<long double>(z.size());
    std::vector<double> up = z, down = z;
    up[n] += h, down[n] -= h;
    const auto loss = [&](const std::vector<double>& at) {
      const Shares s = shares(at, y, weights);
      return s.loss[0] + s.loss[1];
    };
    gradients[y[n]] += std::fabs(loss(up) - loss(down)) / (2 * h);
  }
  for (int k : {0, 1}) {
    const std::string of = " of class " + std::to_string(k) + " in a batch of " + std::to_string(z.size()) +
                           " with the weights " + std::to_string(weights[0]) + " and " + std::to_string(weights[1]);
    c.near(found.loss[k], static_cast<double>(losses[k]), 1e-9, "the part of the loss" + of);
    c.near(found.gradient[k], gradients[k], 1e-6, "the sum of the absolute gradients" + of);
  }
}

void check(Checker& c) {
  for (int trial = 0; trial < 20; ++trial) {
    const size_t size = static_cast<size_t>(c.whole(2, 30));
    std::vector<double> z = c.normals(size);
    std::vector<int> y;
    for (double& logit : z) logit *= 3, y.push_back(c.whole(0, 3) == 0);
    check_batch(c, z, y, {1, 1});
    check_batch(c, z, y, {c.whole(1, 9) / 4., c.whole(1, 9) / 4.});
  }
  check_batch(c, {0.5, -1, 2}, {0, 0, 0}, {1, 1});  // a batch without a class
}
