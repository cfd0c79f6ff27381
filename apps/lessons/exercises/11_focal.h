// Exercise 11; 11_focal.md describes it. Write the functions' bodies in place of the throw, then: make exercise N=11

// The focal loss −α_t (1 − p_t)^γ log p_t of one sample, from its logit z and its label y, 0 or 1. α_t is alpha for
// y = 1 and 1 − alpha for y = 0. For z = ±10000, too, and for small losses to as many digits as for large ones.
double focal(double z, double y, double gamma, double alpha) {
  throw Unsolved{"both factors are functions of softplus(x) and softplus(-x), where x is z for y = 1 and -z for y = 0"};
}

// Its derivative with respect to z.
double focal_derivative(double z, double y, double gamma, double alpha) {
  throw Unsolved{
      "find the derivative with respect to x first; dx/dz is 1 for y = 1 and -1 for y = 0. 1 - p_t is e^-softplus(x)"};
}
