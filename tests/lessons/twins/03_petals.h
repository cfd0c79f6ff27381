// What the library has for exercise 3: the loss bce on logits.

double bce(double z, double y) {
  Loss loss("bce");
  return loss(Var(Tensor::full(cpu_backend(), {1}, z, DType::f64)), {static_cast<int32_t>(y)}).value().item();
}

double bce_derivative(double z, double y) {
  Loss loss("bce");
  const Var logit(Tensor::full(cpu_backend(), {1}, z, DType::f64), true);
  loss(logit, {static_cast<int32_t>(y)}).backward();
  return logit.grad().item();
}
