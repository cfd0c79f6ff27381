// Wrong solutions of exercise 4: 1 a sign in the derivative of tanh, 2 a missing 1/N, 3 what a hidden unit passes on
// does not depend on its weight in the output.

Mlp gradient(const Mlp& net, const std::vector<std::vector<double>>& x, const std::vector<double>& y) {
  Mlp g = net;
  for (size_t j = 0; j < g.w.size(); ++j) g.w[j].assign(g.w[j].size(), 0), g.b[j] = g.v[j] = 0;
  g.c = 0;
  for (size_t n = 0; n < x.size(); ++n) {
    const std::vector<double> h = hidden_units(net, x[n]);
    const double dz =
        (1 / (1 + std::exp(-logit(net, x[n]))) - y[n]) / (MUTANT == 2 ? 1. : static_cast<double>(x.size()));
    g.c += dz;
    for (size_t j = 0; j < h.size(); ++j) {
      g.v[j] += dz * h[j];
      const double ds = dz * (MUTANT == 3 ? 1 : net.v[j]) * (MUTANT == 1 ? 1 + h[j] * h[j] : 1 - h[j] * h[j]);
      g.b[j] += ds;
      for (size_t i = 0; i < x[n].size(); ++i) g.w[j][i] += ds * x[n][i];
    }
  }
  return g;
}
