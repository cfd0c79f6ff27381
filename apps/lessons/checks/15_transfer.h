// The check of exercise 15: random networks are fine-tuned for some steps, and compared with what they were.

std::vector<std::vector<float>> bits_of(const std::vector<Parameter>& parameters) {
  std::vector<std::vector<float>> all;
  for (const Parameter& p : parameters) all.push_back(p.var.value().to_vector<float>());
  return all;
}

Network random_network(Checker& c, Index channels, Index outputs) {
  manual_seed(static_cast<uint64_t>(c.whole(1, 1000000)));
  Sequential body = {Conv2d(3, channels, 3, {1, 1}), BatchNorm2d(channels), ReLU(), MaxPool2d(2), Flatten()};
  return {std::move(body), Linear(channels * 4, outputs)};
}

// Images of 4 x 4 pixels, brighter the higher the number of the class.
Tensor random_images(Checker& c, const std::vector<int32_t>& classes) {
  std::vector<float> pixels;
  for (const int32_t label : classes) {
    for (int i = 0; i < 4 * 4 * 3; ++i) pixels.push_back(static_cast<float>(0.3 * c.normal() + label));
  }
  return Tensor::from<float>(cpu_backend(), {static_cast<Index>(classes.size()), 4, 4, 3}, pixels);
}

void check_head(Checker& c, const Network& network, Index features, const std::vector<double>& shares) {
  const std::vector<Var> head = network.head.trainable();
  const auto K = static_cast<Index>(shares.size());
  c.expect(head[0].shape() == Shape{K, features}, "the new head's weight should be " + std::to_string(K) + " x " +
                                                      std::to_string(features) + ", outputs by features");
  double squares = 0;
  const std::vector<float> weights = head[0].value().to_vector<float>(), biases = head[1].value().to_vector<float>();
  for (const float w : weights) squares += double(w) * w / static_cast<double>(weights.size());
  c.expect(
      std::sqrt(squares) > 0.006 && std::sqrt(squares) < 0.014,
      "the standard deviation of the new head's weights should be 0.01, but is " + std::to_string(std::sqrt(squares)));
  double sum = 0;
  for (const float b : biases) sum += std::exp(double(b));
  for (size_t k = 0; k < shares.size(); ++k)
    c.near(std::exp(double(biases[k])) / sum, shares[k], 1e-5,
           "the softmax of the biases, output " + std::to_string(k));
}

void check_network(Checker& c) {
  const Index channels = c.whole(12, 20), old_outputs = c.whole(5, 9);
  Network trained = random_network(c, channels, old_outputs);
  const auto before = bits_of(trained.body.parameters());
  std::vector<int32_t> classes;
  std::vector<double> shares(static_cast<size_t>(c.whole(2, 4)));
  for (size_t k = 0; k < shares.size(); ++k) {
    const int n = c.whole(2, 6);
    for (int i = 0; i < n; ++i) classes.push_back(static_cast<int32_t>(k));
    shares[k] = n;
  }
  for (double& share : shares) share /= static_cast<double>(classes.size());
  const Tensor images = random_images(c, classes);

  trained.body.train(true);
  Network network = with_new_head(std::move(trained), shares);
  c.expect(bits_of(network.body.parameters()) == before, "the new network's body should be the trained one's");
  check_head(c, network, channels * 4, shares);
  const auto head = bits_of(network.head.parameters());

  const std::vector<Var> variables = to_train(network), of_head = network.head.trainable();
  const auto memory = [](const Var& v) { return ConstView(std::as_const(v.value())).data; };
  int found = 0;  // A variable may come in any order, but not twice.
  for (const Var& h : of_head) {
    for (const Var& v : variables) found += memory(v) == memory(h) ? 1 : 0;
  }
  c.expect(variables.size() == of_head.size() && found == static_cast<int>(of_head.size()),
           "to_train should return the weight and the bias of the head and nothing else; it returns " +
               std::to_string(variables.size()) + " variables, " + std::to_string(found) + " of them the head's");

  // Plain SGD of the head; the body must not get a gradient either.
  Sgd optimizer(variables, 0.02);
  Loss loss(resolve("cross-entropy", LossInfo::logit_per_class));
  double first = 0, last = 0;
  for (int step = 0; step < 15; ++step) {
    network.body.train(true);
    const Var value = loss(frozen_logits(network, images), classes);
    last = value.value().item();
    if (step == 0) first = last;
    value.backward();
    for (const Var& v : network.body.trainable())
      c.expect(!v.grad().defined(), "no gradient should go into the frozen body, but one does");
    optimizer.step();
  }
  const auto after = network.body.parameters();
  const auto now = bits_of(after);
  for (size_t i = 0; i < after.size(); ++i)
    c.expect(now[i] == before[i], after[i].name + " of the frozen body changed while the head was trained");
  c.expect(bits_of(network.head.parameters()) != head, "the head should learn, but its weights are what they were");
  c.expect(last < first,
           "the loss should fall, but goes from " + std::to_string(first) + " to " + std::to_string(last));
}

void check(Checker& c) {
  for (int trial = 0; trial < 5; ++trial) check_network(c);
}
