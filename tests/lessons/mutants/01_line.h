// Wrong solutions of exercise 1, which its check must notice: 1 a sign, 2 a missing 1/N, 3 a and b exchanged.

std::pair<double, double> gradient(const std::vector<double>& x, const std::vector<double>& y, double a, double b) {
  double da = 0, db = 0;
  for (size_t n = 0; n < x.size(); ++n) {
    const double error = a * x[n] + b - y[n];
    da += 2 * error * x[n], db += 2 * error;
  }
  const double N = MUTANT == 2 ? 1 : static_cast<double>(x.size());
  if (MUTANT == 1) return {-da / N, -db / N};
  if (MUTANT == 3) return {db / N, da / N};
  return {da / N, db / N};
}

double largest_learning_rate(const std::vector<double>& x) {
  double p = 0, q = 0;
  for (const double v : x) p += 2 * v * v / static_cast<double>(x.size()), q += 2 * v / static_cast<double>(x.size());
  return 2 / ((p + 2) / 2 + std::sqrt((p - 2) * (p - 2) / 4 + q * q));
}
