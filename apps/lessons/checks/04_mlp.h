// The check of exercise 4: the gradient against differences of the loss, and a training on XOR with it.

double loss_of(const Mlp& net, const std::vector<std::vector<double>>& x, const std::vector<double>& y) {
  double sum = 0;
  for (size_t n = 0; n < x.size(); ++n) sum += std::log1p(std::exp(y[n] == 1 ? -logit(net, x[n]) : logit(net, x[n])));
  return sum / static_cast<double>(x.size());
}

Mlp random_mlp(Checker& c, size_t inputs, size_t units) {
  Mlp net;
  for (size_t j = 0; j < units; ++j) net.w.push_back(c.normals(inputs));
  net.b = c.normals(units), net.v = c.normals(units), net.c = c.normal();
  return net;
}

// All numbers of a network with their names, in one order.
std::vector<std::pair<std::string, double*>> numbers(Mlp& net) {
  std::vector<std::pair<std::string, double*>> all;
  for (size_t j = 0; j < net.w.size(); ++j) {
    const std::string at = "[" + std::to_string(j) + "]";
    for (size_t i = 0; i < net.w[j].size(); ++i) {
      all.emplace_back("w" + at + "[" + std::to_string(i) + "]", &net.w[j][i]);
    }
    if (j < net.b.size()) all.emplace_back("b" + at, &net.b[j]);
    if (j < net.v.size()) all.emplace_back("v" + at, &net.v[j]);
  }
  all.emplace_back("c", &net.c);
  return all;
}

void check_derivatives(Checker& c) {
  const size_t inputs = static_cast<size_t>(c.whole(1, 3)), units = static_cast<size_t>(c.whole(1, 4));
  std::vector<std::vector<double>> x;
  std::vector<double> y;
  for (int n = c.whole(2, 6); n > 0; --n) x.push_back(c.normals(inputs)), y.push_back(c.whole(0, 1));
  Mlp net = random_mlp(c, inputs, units), found = gradient(net, x, y);
  const auto weights = numbers(net), derivatives = numbers(found);
  c.expect(derivatives.size() == weights.size() && found.b.size() == units && found.v.size() == units,
           "the gradient should have as many numbers as the network, " + std::to_string(weights.size()) +
               ", in the same places");
  for (size_t k = 0; k < weights.size(); ++k) {
    double& weight = *weights[k].second;
    const double before = weight, h = 1e-5;
    weight = before + h;
    const double up = loss_of(net, x, y);
    weight = before - h;
    const double down = loss_of(net, x, y);
    weight = before;
    c.near(*derivatives[k].second, (up - down) / (2 * h), 1e-6,
           "with " + std::to_string(inputs) + " inputs, " + std::to_string(units) + " hidden units and " +
               std::to_string(x.size()) + " samples the derivative with respect to " + weights[k].first);
  }
}

// How many of the four cases of XOR are right after gradient descent.
int right_after_training(Checker& c) {
  const std::vector<std::vector<double>> x = {{0, 0}, {0, 1}, {1, 0}, {1, 1}};
  const std::vector<double> y = {0, 1, 1, 0};
  Mlp net = random_mlp(c, 2, 8);
  for (int step = 0; step < 500; ++step) {
    Mlp change = gradient(net, x, y);
    const auto weights = numbers(net), derivatives = numbers(change);
    for (size_t k = 0; k < weights.size(); ++k) *weights[k].second -= 0.5 * *derivatives[k].second;
  }
  int right = 0;
  for (size_t n = 0; n < 4; ++n) right += (logit(net, x[n]) > 0) == (y[n] == 1);
  return right;
}

void check(Checker& c) {
  for (int trial = 0; trial < 10; ++trial) check_derivatives(c);
  int right = 0;
  for (int start = 0; start < 3 && right < 4; ++start) right = right_after_training(c);
  c.expect(right == 4, "500 steps of gradient descent with it should learn XOR from one of three random starts, but " +
                           std::to_string(right) + " of 4 cases are right");
}
