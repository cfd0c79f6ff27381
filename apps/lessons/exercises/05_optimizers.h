// Exercise 5; 05_optimizers.md describes it. Write the function's body in place of the throw, then: make exercise N=05

// One step of Adam: changes the weights w by their gradient g, and what `state` remembers, which has as many m and v as
// there are weights. (struct AdamState is in checks/05_optimizers_types.h.)
void adam_step(std::vector<double>& w, const std::vector<double>& g, AdamState& state, double lr, double beta1,
               double beta2, double eps) {
  throw Unsolved{
      "count the step first; update m and v; divide them by 1 − beta1^t and 1 − beta2^t, but do not store the "
      "quotients; eps is added to the root"};
}
