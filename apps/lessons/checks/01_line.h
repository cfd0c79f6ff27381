// The check of exercise 1: the gradient against differences of the loss, the learning rate by descending.

double loss_of(const std::vector<double>& x, const std::vector<double>& y, double a, double b) {
  double sum = 0;
  for (size_t n = 0; n < x.size(); ++n) sum += std::pow(a * x[n] + b - y[n], 2);
  return sum / static_cast<double>(x.size());
}

// The loss after gradient descent with a learning rate that is `factor` times the largest.
double loss_after(const std::vector<double>& x, const std::vector<double>& y, double factor) {
  const double rate = factor * largest_learning_rate(x);
  double a = 1, b = 1;
  for (int step = 0; step < 1000; ++step) {
    const auto [da, db] = gradient(x, y, a, b);
    a -= rate * da, b -= rate * db;
  }
  return loss_of(x, y, a, b);
}

void check(Checker& c) {
  for (int trial = 0; trial < 5; ++trial) {
    const size_t n = static_cast<size_t>(c.whole(3, 9));
    const std::vector<double> x = c.normals(n), y = c.normals(n);
    const double a = c.normal(), b = c.normal(), h = 1e-4;
    const auto [da, db] = gradient(x, y, a, b);
    c.near(da, (loss_of(x, y, a + h, b) - loss_of(x, y, a - h, b)) / (2 * h), 1e-6, "the derivative with respect to a");
    c.near(db, (loss_of(x, y, a, b + h) - loss_of(x, y, a, b - h)) / (2 * h), 1e-6, "the derivative with respect to b");
    const double start = loss_of(x, y, 1, 1);
    c.expect(loss_after(x, y, 0.98) < start, "with 0.98 times the largest learning rate the loss should fall");
    c.expect(loss_after(x, y, 1.02) > start, "with 1.02 times the largest learning rate the loss should grow");
  }
}
