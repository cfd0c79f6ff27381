// Exercise 10; 10_weights_sampling.md describes it. Write the functions' bodies in place of the throw, then: make
// exercise N=10. (The library has no function for the second; make reveal N=10 prints a solution.)

// The weight of each class, from its number of training samples, which is not 0: samples of all classes together weigh
// as much as there are samples, and all classes weigh equally.
std::vector<double> class_weights(const std::vector<int64_t>& counts) {
  throw Unsolved{"the K classes share the weight N of N samples equally; a class shares its part among its samples"};
}

// The gradient of the weighted mean of the binary cross-entropy of a neuron, sigmoid(w x + b), over a batch: the
// weighted sum of the samples' gradients, divided by the sum of their weights. x[n] are the features of sample n, y[n]
// is its class, 0 or 1, and weights[c] the weight of class c. Returns the derivatives with respect to all of w, and
// then to b.
std::vector<double> weighted_gradient(const std::vector<std::vector<double>>& x, const std::vector<int>& y,
                                      const std::vector<double>& weights, const std::vector<double>& w, double b) {
  throw Unsolved{
      "of one sample, the derivative with respect to w is the error of lesson 3, p - y, times x; to b, the error "
      "alone"};
}
