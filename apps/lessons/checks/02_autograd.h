// The check of exercise 2: random computations, whose inputs are moved a little.

std::vector<double> run(const std::vector<Operation>& tape, std::vector<double> values) {
  for (const Operation& o : tape) {
    const double a = values[o.a], b = values[o.b];
    values.push_back(o.kind == Operation::plus ? a + b : o.kind == Operation::times ? a * b : std::tanh(a));
  }
  return values;
}

void check_tape(Checker& c, const std::vector<Operation>& tape, size_t inputs) {
  const std::vector<double> start = c.normals(inputs), values = run(tape, start);
  const std::vector<double> found = gradients(tape, values, inputs);
  c.expect(found.size() == values.size(), "there should be a derivative for each of the " +
                                              std::to_string(values.size()) + " numbers, but there are " +
                                              std::to_string(found.size()));
  for (size_t i = 0; i < inputs; ++i) {
    std::vector<double> up = start, down = start;
    const double h = 1e-5;
    up[i] += h, down[i] -= h;
    const double expected = (run(tape, up).back() - run(tape, down).back()) / (2 * h);
    c.near(found[i], expected, 1e-5,
           "the derivative with respect to input " + std::to_string(i) + " of a computation of " +
               std::to_string(tape.size()) + " steps");
  }
}

void check(Checker& c) {
  // One step of each kind, a number that is used twice, and computations of several steps.
  for (const Operation::Kind kind : {Operation::plus, Operation::times, Operation::tanh})
    check_tape(c, {{kind, 0, 1}}, 2);
  check_tape(c, {{Operation::times, 0, 0}}, 1);
  for (int trial = 0; trial < 20; ++trial) {
    const size_t inputs = static_cast<size_t>(c.whole(1, 3));
    std::vector<Operation> tape;
    for (int step = c.whole(2, 6); step > 0; --step) {
      const int last = static_cast<int>(inputs + tape.size()) - 1;
      const auto kind = static_cast<Operation::Kind>(c.whole(0, 2));
      tape.push_back({kind, static_cast<size_t>(c.whole(0, last)), static_cast<size_t>(c.whole(0, last))});
    }
    check_tape(c, tape, inputs);
  }
}
