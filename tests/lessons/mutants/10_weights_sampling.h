// Wrong solutions of exercise 10: 1 a class's weight is its share of the samples, which is the wrong way round, 2 the
// batch's sum is divided by the number of its samples, 3 the weights of the classes are exchanged.

std::vector<double> class_weights(const std::vector<int64_t>& counts) {
  double N = 0;
  for (const int64_t n : counts) N += static_cast<double>(n);
  const double K = static_cast<double>(counts.size());
  std::vector<double> weights;
  for (const int64_t n : counts) {
    weights.push_back(MUTANT == 1 ? static_cast<double>(n) / N : N / (K * static_cast<double>(n)));
  }
  return weights;
}

std::vector<double> weighted_gradient(const std::vector<std::vector<double>>& x, const std::vector<int>& y,
                                      const std::vector<double>& weights, const std::vector<double>& w, double b) {
  std::vector<double> gradient(w.size() + 1, 0);
  double total = 0;
  for (size_t n = 0; n < x.size(); ++n) {
    double z = b;
    for (size_t i = 0; i < w.size(); ++i) z += w[i] * x[n][i];
    const double weight = weights[static_cast<size_t>(MUTANT == 3 ? 1 - y[n] : y[n])];
    for (size_t i = 0; i <= w.size(); ++i) {
      gradient[i] += weight * (1 / (1 + std::exp(-z)) - y[n]) * (i < w.size() ? x[n][i] : 1);
    }
    total += MUTANT == 2 ? 1 : weight;
  }
  for (double& g : gradient) g /= total;
  return gradient;
}
