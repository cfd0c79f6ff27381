// Exercise 9; 09_imbalance.md describes it. Write the function's body in place of the throw, then: make exercise N=09
// (struct Shares is in checks/09_imbalance_types.h.)

// What each class contributes to L, the mean over all samples of weights[class] times the binary cross-entropy: the
// parts of L, and the sums of |∂L/∂z|. z and y are the logits and the labels, 0 or 1; weights are those of classes 0
// and 1.
Shares shares(const std::vector<double>& z, const std::vector<int>& y, const std::array<double, 2>& weights) {
  throw Unsolved{"both classes' sums are divided by the number of all samples; ∂L/∂z has the weight as a factor, too"};
}
