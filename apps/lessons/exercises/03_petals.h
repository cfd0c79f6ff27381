// Exercise 3; 03_petals.md describes it. Write the function's body in place of the throw, then: make exercise N=03

// The binary cross-entropy of one sample with the label y, 0 or 1, from its logit z: −log p or −log(1 − p), p = 1 / (1
// + e^−z). For z = ±1000, too, where e^1000 is too large for a double, and 1 − p is 0.
double bce(double z, double y) {
  throw Unsolved{
      "−log p = log(1 + e^−z). For a negative z take e^z out of the sum, so that the exponent is never positive; "
      "std::log1p(t) is log(1 + t) and is exact for small t"};
}

// Its derivative with respect to z.
double bce_derivative(double z, double y) {
  throw Unsolved{"it is the error of this lesson: the probability minus the label"};
}
