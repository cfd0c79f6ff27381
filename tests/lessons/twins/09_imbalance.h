// What the library has for exercise 9: the loss bce with class weights, of each sample and of the batch.

Shares shares(const std::vector<double>& z, const std::vector<int>& y, const std::array<double, 2>& weights) {
  LossOptions options;
  options.class_weights = {weights[0], weights[1]};
  Loss bce("bce", {}, options);
  const Var logits(Tensor::from<double>(cpu_backend(), {static_cast<Index>(z.size())}, z), true);
  const Labels labels = make_labels(cpu_backend(), std::vector<int32_t>(y.begin(), y.end()), 1, DType::f64);
  bce(logits, labels).backward();
  const std::vector<double> loss = bce.per_sample(detach(logits), labels).value().to_vector<double>(),
                            gradient = logits.grad().to_vector<double>();
  Shares s;
  for (size_t n = 0; n < z.size(); ++n) {
    s.loss[y[n]] += loss[n] / static_cast<double>(z.size());
    s.gradient[y[n]] += std::fabs(gradient[n]);
  }
  return s;
}
