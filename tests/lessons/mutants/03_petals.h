// Wrong solutions of exercise 3: 1 a sign in the derivative, 2 e^1000 is computed, 3 the labels are exchanged.

double bce(double z, double y) {
  const double t = (y == 1) != (MUTANT == 3) ? -z : z;
  if (MUTANT == 2) return std::log(1 + std::exp(t));
  return t > 0 ? t + std::log1p(std::exp(-t)) : std::log1p(std::exp(t));
}

double bce_derivative(double z, double y) {
  const double error = 1 / (1 + std::exp(-z)) - y;
  return MUTANT == 1 ? -error : error;
}
