// What the library has for exercise 4: the operations of the network, and backward().

Mlp gradient(const Mlp& net, const std::vector<std::vector<double>>& x, const std::vector<double>& y) {
  const Index units = static_cast<Index>(net.w.size()), inputs = static_cast<Index>(x[0].size()),
              samples = static_cast<Index>(x.size());
  const auto leaf = [](const Shape& shape, const std::vector<double>& values) {
    return Var(Tensor::from<double>(cpu_backend(), shape, values), true);
  };
  std::vector<double> all_w, all_x;
  for (const std::vector<double>& row : net.w) all_w.insert(all_w.end(), row.begin(), row.end());
  for (const std::vector<double>& row : x) all_x.insert(all_x.end(), row.begin(), row.end());
  const Var w = leaf({units, inputs}, all_w), b = leaf({units}, net.b), v = leaf({1, units}, net.v),
            c = leaf({1}, {net.c});
  const Var h = counterpoise::tanh(linear(leaf({samples, inputs}, all_x), w, b));
  Loss("bce")(linear(h, v, c), std::vector<int32_t>(y.begin(), y.end())).backward();
  Mlp g = net;
  const std::vector<double> dw = w.grad().to_vector<double>();
  for (size_t j = 0; j < g.w.size(); ++j) {
    const auto row = dw.begin() + static_cast<Index>(j) * inputs;
    g.w[j].assign(row, row + inputs);
  }
  g.b = b.grad().to_vector<double>(), g.v = v.grad().to_vector<double>(), g.c = c.grad().item();
  return g;
}
