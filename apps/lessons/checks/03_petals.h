// The check of exercise 3: against long doubles where these suffice, and at logits where nothing else is left.

void check(Checker& c) {
  for (int trial = 0; trial < 50; ++trial) {
    const double z = 8 * c.normal(), y = c.whole(0, 1), h = 1e-5;
    const long double signed_z = y == 1 ? static_cast<long double>(-z) : static_cast<long double>(z);
    const std::string at = "at z = " + std::to_string(z) + ", y = " + std::to_string(static_cast<int>(y)) + " ";
    const double expected = static_cast<double>(std::log1p(std::exp(signed_z)));
    const double found = bce(z, y);
    c.expect(std::fabs(found - expected) <= 1e-12 * std::fmax(1e-300, expected),
             at + "the loss, to twelve digits, " + c.should_be(expected, found));
    c.near(bce_derivative(z, y), (bce(z + h, y) - bce(z - h, y)) / (2 * h), 1e-5, at + "the derivative");
  }
  c.near(bce(1000, 0), 1000, 1e-12, "the loss of a flower A with the logit 1000");
  c.near(bce(-1000, 1), 1000, 1e-12, "the loss of a flower B with the logit -1000");
  for (const double z : {-1000., 1000.}) {
    c.near(bce(z, z > 0), 0, 1e-12, "the loss of what is right with certainty");
    c.near(bce_derivative(z, z < 0), z > 0 ? 1 : -1, 1e-12, "the derivative of what is wrong with certainty");
  }
}
