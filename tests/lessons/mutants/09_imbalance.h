// Wrong solutions of exercise 9: 1 the gradients are added up with their signs, 2 each class's sums are divided by its
// own number of samples, 3 the classes' weights are exchanged.

Shares shares(const std::vector<double>& z, const std::vector<int>& y, const std::array<double, 2>& weights) {
  Shares s;
  double samples[2] = {};
  for (const int label : y) ++samples[label];
  for (size_t n = 0; n < z.size(); ++n) {
    const double w = weights[MUTANT == 3 ? 1 - y[n] : y[n]], p = 1 / (1 + std::exp(-z[n]));
    const double N = MUTANT == 2 ? samples[y[n]] : samples[0] + samples[1], slope = w * (p - y[n]) / N;
    s.loss[y[n]] -= w * std::log(y[n] == 1 ? p : 1 / (1 + std::exp(z[n]))) / N;
    s.gradient[y[n]] += MUTANT == 1 ? slope : std::fabs(slope);
  }
  return s;
}
