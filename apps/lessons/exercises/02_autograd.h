// Exercise 2; 02_autograd.md describes it. Write the function's body in place of the throw, then: make exercise N=02

// `tape` is a computation: number i is an input for i < inputs, and the result of tape[i - inputs] otherwise. `values`
// has the value of every number. The last number is the result. Returns its derivative with respect to every number.
// (struct Operation is in checks/02_autograd_types.h: kind is Operation::plus, times or tanh, of the numbers a and b.)
std::vector<double> gradients(const std::vector<Operation>& tape, const std::vector<double>& values, size_t inputs) {
  throw Unsolved{
      "the derivative of the result with respect to itself is 1; go through the tape from its end, and add what each "
      "step passes on to its a and its b"};
}
