// Lesson 4: a hidden layer. What a single neuron cannot separate, a few of them together can.
//
// The text beside this program is 04_mlp.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// Points of the plane, and their classes.
struct Points {
  std::vector<double> x1, x2;
  std::vector<int32_t> y;

  void add(double a, double b, int32_t label) { x1.push_back(a), x2.push_back(b), y.push_back(label); }
  Tensor tensor() const {
    std::vector<double> all;
    for (size_t n = 0; n < y.size(); ++n) all.push_back(x1[n]), all.push_back(x2[n]);
    return Tensor::from<double>(cpu_backend(), {static_cast<Index>(y.size()), 2}, all);
  }
  Plot::Line of_class(int32_t k) const {
    Plot::Line found = points("class " + std::to_string(k), {}, {});
    for (size_t n = 0; n < y.size(); ++n) {
      if (y[n] == k) found.x.push_back(x1[n]), found.y.push_back(x2[n]);
    }
    return found;
  }
};

// Two half circles, the second turned round and moved into the first, each with a little noise.
Points two_moons(int per_class) {
  Random rng(1, Stream::test);
  Points moons;
  for (int i = 0; i < per_class; ++i) {
    const double angle = M_PI * i / (per_class - 1);
    for (const int32_t k : {0, 1}) {
      const double a = k ? 1 - std::cos(angle) : std::cos(angle), b = k ? 0.5 - std::sin(angle) : std::sin(angle);
      const double noise = 0.1 * rng.normal();
      moons.add(a + noise, b + 0.1 * rng.normal(), k);
    }
  }
  return moons;
}

double loss_of(Module& net, const Points& points) { return Loss("bce")(net(points.tensor()), points.y).value().item(); }
int correct(Module& net, const Points& points) {
  const std::vector<int32_t> predicted = predict(net(points.tensor()));
  int count = 0;
  for (size_t n = 0; n < points.y.size(); ++n) count += predicted[n] == points.y[n];
  return count;
}

// Gradient descent on the binary cross-entropy of lesson 3.
void train(Module& net, const Points& points, int steps, double learning_rate) {
  Sgd optimizer(net.trainable(), learning_rate);
  for (int step = 0; step < steps; ++step) {
    Loss("bce")(net(points.tensor()), points.y).backward();
    optimizer.step();
  }
}

// Sixteen hidden units and an output, or the output alone. Equal seeds give equal initial weights.
Sequential network(const std::string& activation, uint64_t seed = 1) {
  manual_seed(seed);
  Sequential net;
  if (activation != "one neuron") net.add(Linear(2, 16));
  if (activation == "sigmoid") net.add(Sigmoid());
  if (activation == "tanh") net.add(Tanh());
  if (activation == "ReLU") net.add(ReLU());
  net.add(Linear(activation == "one neuron" ? 2 : 16, 1));
  net.cast(DType::f64);
  return net;
}

// The probability of class 1 everywhere, and where it is one half.
Plot map_of(const std::string& title, Module& net, const Points& data) {
  Plot plot = {title, "x1", "x2", {data.of_class(0), data.of_class(1)}};
  plot.surface = Surface::of(
      [&](double a, double b) {
        return sigmoid(net(Tensor::from<double>(cpu_backend(), {1, 2}, {a, b}))).value().item();
      },
      -1.5, 2.5, -1, 1.5, 29);
  plot.surface.low = 0, plot.surface.high = 1, plot.surface.contours = {0.5};
  return plot;
}

int main(int argc, char** argv) {
  // XOR: class 1 where exactly one of two bits is 1. A neuron alone, then a network of numbers that were thought out.
  Points bits, hidden;
  bits.add(0, 0, 0), bits.add(0, 1, 1), bits.add(1, 0, 1), bits.add(1, 1, 0);
  Sequential alone = network("one neuron");
  train(alone, bits, 2000, 1);
  std::printf("XOR by one neuron, after 2000 steps: loss %.4f\n", loss_of(alone, bits));
  const auto logit = [](double a, double b) { return std::fmax(a + b, 0) - 2 * std::fmax(a + b - 1, 0) - 0.5; };
  for (size_t n = 0; n < bits.y.size(); ++n) {
    const double a = bits.x1[n], b = bits.x2[n];
    hidden.add(std::fmax(a + b, 0), std::fmax(a + b - 1, 0), bits.y[n]);
    std::printf("%g xor %g: hidden units %g and %g, logit %+g\n", a, b, hidden.x1[n], hidden.x2[n], logit(a, b));
  }

  // Two moons, by a neuron alone and by networks with a hidden layer.
  const Points moons = two_moons(60);
  std::printf("\nMoons, 2000 steps from three starts:\n");
  for (const std::string name : {"one neuron", "none", "sigmoid", "tanh", "ReLU"}) {
    std::printf("%-10s  loss", name.c_str());
    for (const uint64_t seed : {1, 2, 3}) {
      Sequential net = network(name, seed);
      train(net, moons, 2000, 0.5);
      std::printf(" %.4f", loss_of(net, moons));
    }
    std::printf("\n");
  }
  Sequential neuron = network("one neuron"), net = network("tanh");
  train(neuron, moons, 2000, 0.5);
  std::printf("\nThe neuron, step 2000: %d of %zu correct\n", correct(neuron, moons), moons.y.size());
  std::vector<Plot> maps = {map_of("one neuron", neuron, moons)};
  int step = 0;
  for (const int until : {20, 200, 2000}) {
    train(net, moons, until - step, 0.5), step = until;
    std::printf("tanh, step %4d: loss %.4f, %d of %zu correct\n", step, loss_of(net, moons), correct(net, moons),
                moons.y.size());
    if (step > 20) maps.push_back(map_of("hidden layer, step " + std::to_string(step), net, moons));
  }

  Plot values = {"Activations", "s", "f(s)"}, slopes = {"Their derivatives", "s", "f′(s)"};
  using Activation = std::pair<const char*, Var (*)(const Var&)>;
  for (const auto& [name, activation] :
       {Activation("sigmoid", sigmoid), Activation("tanh", counterpoise::tanh), Activation("ReLU", relu)}) {
    Plot::Line value = line(name, {}, {}), slope = line(name, {}, {});
    for (double at = -3; at < 3.01; at += 0.05) {
      const Var s(Tensor::full(cpu_backend(), {}, at, DType::f64), true), h = activation(s);
      h.backward();
      value.x.push_back(at), value.y.push_back(h.value().item());
      slope.x.push_back(at), slope.y.push_back(s.grad().item());
    }
    values.lines.push_back(value), slopes.lines.push_back(slope);
  }
  Plot inputs = {"The bits", "x1", "x2", {bits.of_class(0), bits.of_class(1)}};
  inputs.surface = Surface::of(logit, -0.5, 1.5, -0.5, 1.5, 41);
  Plot units = {"The same four, as the hidden layer gives them", "h1", "h2", {hidden.of_class(0), hidden.of_class(1)}};
  units.surface = Surface::of([](double h1, double h2) { return h1 - 2 * h2 - 0.5; }, -0.5, 2.5, -0.5, 1.5, 41);
  for (Plot* plot : {&inputs, &units}) plot->surface.low = -1.5, plot->surface.high = 1.5, plot->surface.contours = {0};
  const Folder folder(argc, argv);
  folder.write("04_activations.svg", svg("Three activations", {values, slopes}));
  folder.write("04_xor.svg", svg("XOR: two units bend the plane, and a line separates the classes", {inputs, units}));
  folder.write("04_moons.svg", svg("The probability of class 1 while the network learns", maps));
}
