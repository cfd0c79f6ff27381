// Wrong solutions of exercise 11: 1 a sign in the derivative, 2 1 - p is computed as such, which loses its digits where
// p is near 1, 3 alpha and 1 - alpha are exchanged.

double softplus_of(double x) { return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x))); }

double focal(double z, double y, double gamma, double alpha) {
  const double x = y == 1 ? z : -z, weight = (y == 1) != (MUTANT == 3) ? alpha : 1 - alpha;
  const double miss = MUTANT == 2 ? 1 - 1 / (1 + std::exp(-x)) : std::exp(-softplus_of(x));
  return weight * std::pow(miss, gamma) * softplus_of(-x);
}

double focal_derivative(double z, double y, double gamma, double alpha) {
  const double x = y == 1 ? z : -z, weight = (y == 1) != (MUTANT == 3) ? alpha : 1 - alpha;
  const double p = std::exp(-softplus_of(-x)), miss = std::exp(-softplus_of(x));
  const double slope = -weight * std::pow(miss, gamma) * (gamma * p * softplus_of(-x) + miss);
  return (y == 1) != (MUTANT == 1) ? slope : -slope;
}
