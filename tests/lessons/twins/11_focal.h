// What the library has for exercise 11: the loss focal on logits.

double focal(double z, double y, double gamma, double alpha) {
  Loss loss("focal", {{"gamma", gamma}, {"alpha", alpha}});
  return loss(Var(Tensor::full(cpu_backend(), {1}, z, DType::f64)), {static_cast<int32_t>(y)}).value().item();
}

double focal_derivative(double z, double y, double gamma, double alpha) {
  Loss loss("focal", {{"gamma", gamma}, {"alpha", alpha}});
  const Var logit(Tensor::full(cpu_backend(), {1}, z, DType::f64), true);
  loss(logit, {static_cast<int32_t>(y)}).backward();
  return logit.grad().item();
}
