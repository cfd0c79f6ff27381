// The check of exercise 11: against long doubles where these suffice, and at logits where nothing else is left.

std::string place(double z, double y, double gamma, double alpha) {
  return "at z = " + std::to_string(z) + ", y = " + std::to_string(static_cast<int>(y)) +
         ", gamma = " + std::to_string(gamma) + ", alpha = " + std::to_string(alpha) + " ";
}

void check(Checker& c) {
  for (int trial = 0; trial < 100; ++trial) {
    const double z = 12 * c.normal(), y = c.whole(0, 1), gamma = c.whole(0, 10) / 2., alpha = c.whole(1, 9) / 10.;
    const std::string at = place(z, y, gamma, alpha);
    const long double x = y == 1 ? z : -z, miss = 1 / (1 + std::exp(x)), weight = y == 1 ? alpha : 1 - alpha;
    const double expected =
        static_cast<double>(weight * std::pow(miss, static_cast<long double>(gamma)) * std::log1p(std::exp(-x)));
    const double found = focal(z, y, gamma, alpha);
    c.expect(std::fabs(found - expected) <= 1e-9 * expected, at + "the loss, to nine digits, " +
                                                                 c.should_be(expected, found) + ", " +
                                                                 std::to_string(found / expected) + " times as much");
    const double h = 1e-5, slope = (focal(z + h, y, gamma, alpha) - focal(z - h, y, gamma, alpha)) / (2 * h);
    c.near(focal_derivative(z, y, gamma, alpha), slope, 1e-5, at + "the derivative");
  }
  for (const double gamma : {0., 0.5, 2.}) {
    for (const double z : {-1e4, 1e4}) {
      const double alpha = c.whole(1, 9) / 10., right = z > 0 ? 1 : 0, wrong = 1 - right;
      const double weight = wrong == 1 ? alpha : 1 - alpha;
      c.near(focal(z, right, gamma, alpha), 0, 1e-12, place(z, right, gamma, alpha) + "the loss");
      c.near(focal_derivative(z, right, gamma, alpha), 0, 1e-12, place(z, right, gamma, alpha) + "the derivative");
      c.near(focal(z, wrong, gamma, alpha), 1e4 * weight, 1e-12, place(z, wrong, gamma, alpha) + "the loss");
      c.near(focal_derivative(z, wrong, gamma, alpha), z > 0 ? weight : -weight, 1e-12,
             place(z, wrong, gamma, alpha) + "the derivative");
    }
  }
}
