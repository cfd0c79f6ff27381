// The check of exercise 5: several steps with random gradients, compared with the library's Adam, whose steps are
// PyTorch's.

void check_steps(Checker& c, int steps, double lr, double beta1, double beta2, double eps, double size_of_gradients) {
  const size_t n = static_cast<size_t>(c.whole(1, 4));
  std::vector<double> w = c.normals(n);
  AdamState state;
  state.m.resize(n), state.v.resize(n);
  Var expected(Tensor::from<double>(cpu_backend(), {static_cast<Index>(n)}, w), true);
  Adam optimizer({expected}, lr, {{"beta1", beta1}, {"beta2", beta2}, {"eps", eps}});
  for (int step = 1; step <= steps; ++step) {
    std::vector<double> g = c.normals(n);
    for (double& value : g) value *= size_of_gradients;
    expected.add_grad(Tensor::from<double>(cpu_backend(), {static_cast<Index>(n)}, g));
    optimizer.step();
    adam_step(w, g, state, lr, beta1, beta2, eps);
    c.expect(w.size() == n && state.m.size() == n && state.v.size() == n, "the number of weights should not change");
    c.expect(state.t == step, "after step " + std::to_string(step) + " state.t should be " + std::to_string(step) +
                                  ", but is " + std::to_string(state.t));
    const std::vector<double> after = expected.value().to_vector<double>();
    for (size_t i = 0; i < n; ++i) {
      char with[200];
      std::snprintf(with, sizeof with, "after step %d with gradients of about %.0e, beta1 %.3f, beta2 %.4f, eps %.0e ",
                    step, size_of_gradients, beta1, beta2, eps);
      c.near(w[i], after[i], 1e-11, with + ("weight " + std::to_string(i)));
    }
  }
}

void check(Checker& c) {
  // Without memory a step is lr times the gradient's sign. Then the means; last, where eps is as large as the root.
  check_steps(c, 1, 0.1, 0, 0, 0, 1);
  check_steps(c, 1, 0.1, 0.9, 0.999, 0, 1);
  for (int trial = 0; trial < 10; ++trial) {
    const double beta1 = 0.5 + 0.045 * c.whole(0, 10), beta2 = 0.9 + 0.0099 * c.whole(0, 10);
    check_steps(c, 10, 0.1, beta1, beta2, 1e-8, 1);
    check_steps(c, 10, 0.1, beta1, beta2, 1e-3, 1e-3);
  }
}
