// The check of exercise 16: against formulas for a quadratic loss, and against training again for a logistic one.

double softplus_of(double z) { return z > 0 ? z + std::log1p(std::exp(-z)) : std::log1p(std::exp(z)); }

// Training: the sum of c_i (w_i - alpha_i)^2 / 2. Validation: that of (w_i - t_i)^2 / 2.
Bilevel quadratic(const std::vector<double>& c, const std::vector<double>& t) {
  const auto slopes = [c](const std::vector<double>& w, const std::vector<double>& alpha, double sign) {
    std::vector<double> g;
    for (size_t i = 0; i < c.size(); ++i) g.push_back(sign * c[i] * (w[i] - alpha[i]));
    return g;
  };
  Bilevel problem;
  problem.training_by_weights = [slopes](const auto& w, const auto& alpha) { return slopes(w, alpha, 1); };
  problem.training_by_alpha = [slopes](const auto& w, const auto& alpha) { return slopes(w, alpha, -1); };
  problem.validation_by_weights = [t](const auto& w) {
    std::vector<double> g;
    for (size_t i = 0; i < t.size(); ++i) g.push_back(w[i] - t[i]);
    return g;
  };
  return problem;
}

// A neuron with two inputs and a bias. Training: binary cross-entropy of z + alpha_0, and e^alpha_1 |w|^2 / 2.
// Validation: the same without both, each class with half of the weight.
struct Logistic {
  std::vector<double> x, y;  // two inputs and a label for each sample

  double logit(const std::vector<double>& w, size_t n) const { return w[0] * x[2 * n] + w[1] * x[2 * n + 1] + w[2]; }
  std::vector<double> by_weights(const std::vector<double>& w, double shift, double decay, bool balanced) const {
    std::vector<double> g = {decay * w[0], decay * w[1], decay * w[2]};
    double cats = 0;
    for (const double label : y) cats += label;
    const double N = static_cast<double>(y.size());
    for (size_t n = 0; n < y.size(); ++n) {
      const double weight = balanced ? 0.5 / (y[n] == 1 ? cats : N - cats) : 1 / N;
      const double error = weight * (1 / (1 + std::exp(-logit(w, n) - shift)) - y[n]);
      g[0] += error * x[2 * n], g[1] += error * x[2 * n + 1], g[2] += error;
    }
    return g;
  }
  Bilevel problem() const {
    Bilevel p;
    p.training_by_weights = [this](const auto& w, const auto& alpha) {
      return by_weights(w, alpha[0], std::exp(alpha[1]), false);
    };
    p.training_by_alpha = [this](const auto& w, const auto& alpha) {
      const double squares = w[0] * w[0] + w[1] * w[1] + w[2] * w[2];
      return std::vector<double>{by_weights(w, alpha[0], 0, false)[2], std::exp(alpha[1]) * squares / 2};
    };
    p.validation_by_weights = [this](const auto& w) { return by_weights(w, 0, 0, true); };
    return p;
  }
  std::vector<double> trained(const std::vector<double>& alpha) const {
    std::vector<double> w = {0, 0, 0};
    for (int step = 0; step < 600; ++step) {
      const std::vector<double> g = by_weights(w, alpha[0], std::exp(alpha[1]), false);
      for (size_t i = 0; i < 3; ++i) w[i] -= 0.5 * g[i];
    }
    return w;
  }
  double validation_loss(const std::vector<double>& w) const {
    double of[2] = {0, 0}, counts[2] = {0, 0};
    for (size_t n = 0; n < y.size(); ++n) {
      const size_t cat = y[n] == 1;
      of[cat] += softplus_of(cat ? -logit(w, n) : logit(w, n)), ++counts[cat];
    }
    return (of[0] / counts[0] + of[1] / counts[1]) / 2;
  }
};

void compare(const Checker& c, const std::vector<double>& found, const std::vector<double>& expected,
             const std::string& what) {
  c.expect(found.size() == expected.size(), what + " should have " + std::to_string(expected.size()) +
                                                " numbers, but has " + std::to_string(found.size()));
  for (size_t i = 0; i < found.size(); ++i) c.near(found[i], expected[i], 1e-5, what + ": number " + std::to_string(i));
}

void check_quadratic(Checker& c) {
  const size_t n = static_cast<size_t>(c.whole(2, 4));
  std::vector<double> curvatures, expected, product;
  for (size_t i = 0; i < n; ++i) curvatures.push_back(0.2 + 0.1 * c.whole(1, 8));
  const std::vector<double> t = c.normals(n), w = c.normals(n), r = c.normals(n);
  const Bilevel problem = quadratic(curvatures, t);
  for (size_t i = 0; i < n; ++i) product.push_back(curvatures[i] * r[i]);
  compare(c, times_hessian(problem, w, w, r), product, "H r of a quadratic loss");
  const int terms = c.whole(0, 6);
  const double a = 0.1 * c.whole(3, 9);
  for (size_t i = 0; i < n; ++i) expected.push_back((1 - std::pow(1 - a * curvatures[i], terms + 1)) * (w[i] - t[i]));
  compare(c, implicit_gradient(problem, w, w, terms, a), expected,
          "a quadratic loss, terms = " + std::to_string(terms) + ", a = " + std::to_string(a));
}

void check_logistic(Checker& c) {
  Logistic data;
  for (int n = 0; n < 12; ++n) {
    data.y.push_back(n < 3);  // three cats
    for (int i = 0; i < 2; ++i) data.x.push_back(c.normal() + data.y.back());
  }
  const std::vector<double> alpha = {c.normal(), -1.5 + 0.3 * c.normal()};
  std::vector<double> expected;
  for (size_t i = 0; i < 2; ++i) {
    std::vector<double> up = alpha, down = alpha;
    const double h = 1e-4;
    up[i] += h, down[i] -= h;
    const double rise = data.validation_loss(data.trained(up)) - data.validation_loss(data.trained(down));
    expected.push_back(rise / (2 * h));
  }
  compare(c, implicit_gradient(data.problem(), data.trained(alpha), alpha, 400, 0.4), expected,
          "the derivative of the validation loss, by training twice");
}

void check(Checker& c) {
  for (int trial = 0; trial < 10; ++trial) check_quadratic(c);
  for (int trial = 0; trial < 5; ++trial) check_logistic(c);
}
