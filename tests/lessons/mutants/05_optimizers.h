// Wrong solutions of exercise 5: 1 a sign, 2 no correction of the second mean's bias, 3 eps under the root.

void adam_step(std::vector<double>& w, const std::vector<double>& g, AdamState& state, double lr, double beta1,
               double beta2, double eps) {
  ++state.t;
  for (size_t i = 0; i < w.size(); ++i) {
    state.m[i] = beta1 * state.m[i] + (1 - beta1) * g[i];
    state.v[i] = beta2 * state.v[i] + (1 - beta2) * g[i] * g[i];
    const double m = state.m[i] / (1 - std::pow(beta1, state.t));
    const double v = MUTANT == 2 ? state.v[i] : state.v[i] / (1 - std::pow(beta2, state.t));
    const double step = lr * m / (MUTANT == 3 ? std::sqrt(v + eps) : std::sqrt(v) + eps);
    w[i] -= MUTANT == 1 ? -step : step;
  }
}
