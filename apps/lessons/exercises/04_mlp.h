// Exercise 4; 04_mlp.md describes it. Write the function's body in place of the throw, then: make exercise N=04

// The derivatives of the loss, the mean of the binary cross-entropy of N samples, with respect to every weight of a
// network with one hidden layer of tanh. x[n] are the inputs of sample n and y[n] is its label, 0 or 1. (struct Mlp,
// hidden_units() and logit() are in checks/04_mlp_types.h. Begin with a copy of the network and set all its numbers to
// 0.)
Mlp gradient(const Mlp& net, const std::vector<std::vector<double>>& x, const std::vector<double>& y) {
  throw Unsolved{
      "the derivative of the loss with respect to the logit of sample n is (p − y[n]) / N; pass it on to v[j] and c, "
      "and by way of h[j], whose derivative is 1 − h[j]², to w[j][i] and b[j]; add up the samples"};
}
