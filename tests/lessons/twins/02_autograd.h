// What the library has for exercise 2: a Var for each number.

std::vector<double> gradients(const std::vector<Operation>& tape, const std::vector<double>& values, size_t inputs) {
  std::vector<Var> numbers;
  for (size_t i = 0; i < inputs; ++i)
    numbers.emplace_back(Tensor::full(cpu_backend(), {}, values[i], DType::f64), true);
  for (const Operation& o : tape) {
    const Var a = numbers[o.a], b = numbers[o.b];
    numbers.push_back(o.kind == Operation::plus ? a + b : o.kind == Operation::times ? a * b : counterpoise::tanh(a));
  }
  numbers.back().backward();
  std::vector<double> all(values.size(), 0);  // of the inputs alone, which the check compares
  for (size_t i = 0; i < inputs; ++i) all[i] = numbers[i].grad().defined() ? numbers[i].grad().item() : 0;
  return all;
}
