// Wrong solutions of exercise 16: 1 the sign of the theorem is missing, 2 the terms are not multiplied by a, 3 v takes
// the place of p, so that the curvature is left out.

std::vector<double> along(const std::function<std::vector<double>(const std::vector<double>&)>& gradient,
                          const std::vector<double>& w, const std::vector<double>& r) {
  const double h = 1e-4;
  std::vector<double> up = w, down = w;
  for (size_t i = 0; i < w.size(); ++i) up[i] += h * r[i], down[i] -= h * r[i];
  std::vector<double> change = gradient(up), below = gradient(down);
  for (size_t i = 0; i < change.size(); ++i) change[i] = (change[i] - below[i]) / (2 * h);
  return change;
}

std::vector<double> times_hessian(const Bilevel& problem, const std::vector<double>& w,
                                  const std::vector<double>& alpha, const std::vector<double>& r) {
  return along([&](const std::vector<double>& at) { return problem.training_by_weights(at, alpha); }, w, r);
}

std::vector<double> implicit_gradient(const Bilevel& problem, const std::vector<double>& w,
                                      const std::vector<double>& alpha, int terms, double a) {
  std::vector<double> rest = problem.validation_by_weights(w), p(w.size(), 0);
  if (MUTANT == 3) p = rest, terms = -1;
  for (int j = 0; j <= terms; ++j) {
    const std::vector<double> product = times_hessian(problem, w, alpha, rest);
    for (size_t i = 0; i < w.size(); ++i) p[i] += MUTANT == 2 ? rest[i] : a * rest[i], rest[i] -= a * product[i];
  }
  std::vector<double> g =
      along([&](const std::vector<double>& at) { return problem.training_by_alpha(at, alpha); }, w, p);
  if (MUTANT != 1) {
    for (double& number : g) number = -number;
  }
  return g;
}
