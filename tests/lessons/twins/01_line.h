// What the library has for exercise 1: gradients by backward(), and with them the power iteration.

std::pair<double, double> gradient(const std::vector<double>& x, const std::vector<double>& y, double a, double b) {
  const Shape shape{static_cast<Index>(x.size())};
  Var va(Tensor::full(cpu_backend(), {}, a, DType::f64), true),
      vb(Tensor::full(cpu_backend(), {}, b, DType::f64), true);
  const Var error =
      Var(Tensor::from<double>(cpu_backend(), shape, x)) * va + vb - Var(Tensor::from<double>(cpu_backend(), shape, y));
  mean(square(error)).backward();
  return {va.grad().item(), vb.grad().item()};
}

// The gradient is linear in (a, b) where all y are 0, so that it multiplies by the matrix of second derivatives.
double largest_learning_rate(const std::vector<double>& x) {
  const std::vector<double> zeros(x.size(), 0);
  double a = 0.6, b = 0.8, curvature = 0;
  for (int step = 0; step < 300; ++step) {
    const auto [da, db] = gradient(x, zeros, a, b);
    curvature = std::hypot(da, db);
    a = da / curvature, b = db / curvature;
  }
  return 2 / curvature;
}
