// What the library has for exercise 16: hyper_gradient(), which gets the problem's gradients by add_grad().

Tensor of_numbers(const std::vector<double>& numbers) {
  return Tensor::from<double>(cpu_backend(), {static_cast<Index>(numbers.size())}, numbers);
}

std::vector<double> implicit_gradient(const Bilevel& problem, const std::vector<double>& w,
                                      const std::vector<double>& alpha, int terms, double a) {
  const Var weights(of_numbers(w), true), hyper(of_numbers(alpha), true);
  const auto training = [&] {
    const std::vector<double> at = weights.value().to_vector<double>();
    weights.add_grad(of_numbers(problem.training_by_weights(at, alpha)));
    hyper.add_grad(of_numbers(problem.training_by_alpha(at, alpha)));
  };
  const auto validation = [&] { weights.add_grad(of_numbers(problem.validation_by_weights(w))); };
  HyperGradientOptions options;
  options.terms = terms, options.step = a, options.limit_step = false;
  return hyper_gradient(training, validation, {weights}, {hyper}, options).values[0].to_vector<double>();
}

// -H r is the implicit gradient without further terms where the validation loss has the gradient r, and the training
// loss the same gradient in alpha as in the weights.
std::vector<double> times_hessian(const Bilevel& problem, const std::vector<double>& w,
                                  const std::vector<double>& alpha, const std::vector<double>& r) {
  Bilevel other = problem;
  other.validation_by_weights = [&](const std::vector<double>&) { return r; };
  other.training_by_alpha = [&](const std::vector<double>& at, const std::vector<double>&) {
    return problem.training_by_weights(at, alpha);
  };
  std::vector<double> product = implicit_gradient(other, w, w, 0, 1);
  for (double& number : product) number = -number;
  return product;
}
