// What the library has for exercise 15: a new Linear, set_value(), evaluation mode and NoGrad, as --pretrained with
// --freeze uses them.

Network with_new_head(Network trained, const std::vector<double>& shares) {
  std::vector<float> biases;
  for (const double share : shares) biases.push_back(static_cast<float>(std::log(share)));
  const auto K = static_cast<Index>(shares.size());
  Network network = {std::move(trained.body), Linear(trained.head.trainable()[0].shape()[1], K, 0.01)};
  network.head.trainable()[1].set_value(Tensor::from<float>(cpu_backend(), {K}, biases));
  return network;
}

Var frozen_logits(Network& network, const Tensor& images) {
  network.body.train(false);
  const Var features = [&] {
    const NoGrad no_grad;
    return network.body(images);
  }();
  return network.head(features);
}

std::vector<Var> to_train(const Network& network) { return network.head.trainable(); }
