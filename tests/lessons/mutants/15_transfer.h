// Wrong solutions of exercise 15: 1 the optimizer is given the body, too, 2 the body's running statistics are
// updated, 3 the biases of the new head are 0.

Network with_new_head(Network trained, const std::vector<double>& shares) {
  std::vector<float> biases;
  for (const double share : shares) biases.push_back(MUTANT == 3 ? 0 : static_cast<float>(std::log(share)));
  const auto K = static_cast<Index>(shares.size());
  Network network = {std::move(trained.body), Linear(trained.head.trainable()[0].shape()[1], K, 0.01)};
  network.head.trainable()[1].set_value(Tensor::from<float>(cpu_backend(), {K}, biases));
  return network;
}

Var frozen_logits(Network& network, const Tensor& images) {
  network.body.train(MUTANT == 2);
  const Var features = network.body(images);
  return network.head(detach(features));
}

std::vector<Var> to_train(const Network& network) {
  std::vector<Var> all = network.head.trainable();
  if (MUTANT == 1) {
    for (const Var& v : network.body.trainable()) all.push_back(v);
  }
  return all;
}
