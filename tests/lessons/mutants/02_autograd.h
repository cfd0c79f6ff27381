// Wrong solutions of exercise 2: 1 a sign in the derivative of tanh, 2 a number that is used twice gets the last part
// alone, 3 a product's factors are exchanged.

std::vector<double> gradients(const std::vector<Operation>& tape, const std::vector<double>& values, size_t inputs) {
  std::vector<double> g(values.size(), 0);
  g.back() = 1;
  for (size_t step = tape.size(); step-- > 0;) {
    const Operation& o = tape[step];
    const double dy = g[inputs + step], y = values[inputs + step];
    const auto pass = [&](size_t to, double part) { g[to] = MUTANT == 2 ? part : g[to] + part; };
    if (o.kind == Operation::plus) pass(o.a, dy), pass(o.b, dy);
    if (o.kind == Operation::times)
      pass(o.a, values[MUTANT == 3 ? o.a : o.b] * dy), pass(o.b, values[MUTANT == 3 ? o.b : o.a] * dy);
    if (o.kind == Operation::tanh) pass(o.a, (MUTANT == 1 ? 1 + y * y : 1 - y * y) * dy);
  }
  return g;
}
