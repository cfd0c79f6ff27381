// Exercise 16; 16_autobalance.md describes it. Write the functions' bodies in place of the throw, then:
// make exercise N=16  (struct Bilevel is in checks/16_autobalance_types.h: three functions that return gradients.)

// H r: the second derivatives of the training loss in the weights, times r, at w and alpha.
std::vector<double> times_hessian(const Bilevel& problem, const std::vector<double>& w,
                                  const std::vector<double>& alpha, const std::vector<double>& r) {
  throw Unsolved{"training_by_weights at w + h r and at w - h r; their difference by 2 h, with an h such as 0.0001"};
}

// The gradient of the validation loss in alpha if w are the weights that minimize the training loss: -d/d alpha of
// <gradient of the training loss in w, p>, where p = a times the sum of (I - a H)^j v for j = 0 to `terms`, and v is
// the gradient of the validation loss in w.
std::vector<double> implicit_gradient(const Bilevel& problem, const std::vector<double>& w,
                                      const std::vector<double>& alpha, int terms, double a) {
  throw Unsolved{
      "begin with rest = v and p = 0; in each turn add a times rest to p, and subtract a H rest from rest; at the end, "
      "training_by_alpha at w + h p and at w - h p"};
}
