// Weights that layers derive from their parameters (layers/derived_weights.h): in evaluation they are computed once,
// and are always those of the present parameters.
#include <doctest/doctest.h>

#include <algorithm>

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/linear.h"
#include "layers/models/models.h"
#include "layers/sequential.h"
#include "layers/weights.h"
#include "optim/ema.h"
#include "optim/optimizer.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

// Counts the operations that derive weights, and the most memory at once.
class Counting : public Guarded<ReferenceBackend> {
 public:
  int derivations = 0;
  int64_t peak_bytes = 0;

  void* allocate(size_t bytes) override {
    void* memory = Guarded<ReferenceBackend>::allocate(bytes);
    peak_bytes = std::max(peak_bytes, live_bytes);
    return memory;
  }
  void cast(const ConstView& x, const View& y) override {
    ++derivations;
    Guarded<ReferenceBackend>::cast(x, y);
  }
  void unary(Unary op, double a, double b, const ConstView& x, const View& y) override {
    ++derivations;
    Guarded<ReferenceBackend>::unary(op, a, b, x, y);
  }
  void binary(Binary op, const ConstView& a, const ConstView& b, const View& y) override {
    ++derivations;
    Guarded<ReferenceBackend>::binary(op, a, b, y);
  }
  // How many of them `action` needs.
  template <class Action>
  int in(const Action& action) {
    const int before = derivations;
    action();
    return derivations - before;
  }
};

Counting& counting() {
  static Counting backend;
  return backend;
}

std::vector<double> evaluate(Module& net, const Tensor& x) {
  const NoGrad no_grad;
  net.train(false);
  return numbers(net(x).value());
}

// A convolution and the batch normalization that is computed with it.
class Normalized : public Module {
 public:
  Normalized(Index channels, Index outputs, bool bias = false)
      : conv_(add("conv", Conv2d(channels, outputs, 3, {1, 1}, false, bias))), bn_(add("bn", BatchNorm2d(outputs))) {}
  Var forward(const Var& x) override { return bn_.after(conv_, x); }

 private:
  Conv2d& conv_;
  BatchNorm2d& bn_;
};

struct Network {
  std::string name;
  DType dtype;  // of the images
  Backend& backend;
};

// Networks with every layer that derives weights: vgg11 has convolutions with relu and pooling, the others batch
// normalization; a cosine head, and a dense one, whose bias stays f32.
std::vector<Network> networks() {
  std::vector<Network> all;
  for (const std::string name : {"vgg11", "vgg11_bn", "vgg11_cosine", "resnet20"}) {
    for (const TestBackend& machine : test_backends()) {
      for (const DType dtype : {DType::f32, DType::bf16}) {
        if (computes_in(machine.backend, dtype)) all.push_back({name, dtype, machine.backend});
      }
    }
  }
  return all;
}

// Numbers above 0.5, as a variance may be.
Tensor positive(Backend& backend, const Shape& shape, uint64_t seed) {
  return (square(random_tensor(backend, shape, DType::f32, seed)) + 0.5).value();
}

std::unique_ptr<Model> make(const Network& network, uint64_t seed) {
  const size_t end = network.name.find("_cosine");
  ModelConfig config;
  config.name = network.name.substr(0, end);
  config.cosine = end != std::string::npos;
  config.width = network.name == "resnet20" ? 1. / 8 : 1. / 16;
  config.image_size = 32;
  config.outputs = 3;
  auto net = make_model(config, network.backend, seed);
  for (Parameter& p : net->parameters()) {  // neither 0 nor 1, as biases and statistics are at first
    if (p.name.find("weight") != std::string::npos && p.var.shape().rank() > 1) continue;
    p.var.set_value(positive(network.backend, p.var.shape(), seed));
  }
  return net;
}

Tensor images(const Network& network) {
  return random_tensor(network.backend, {2, 32, 32, 3}, DType::f32, 1).cast(network.dtype);
}

// What a network computes that was just made, with the numbers of this one's parameters.
std::vector<double> of_new_network(const Network& network, const Module& net, const Tensor& x) {
  const auto fresh = make(network, 77);
  const std::vector<Parameter> from = net.parameters();
  std::vector<Parameter> to = fresh->parameters();
  REQUIRE(to.size() == from.size());
  for (size_t i = 0; i < to.size(); ++i) to[i].var.set_value(from[i].var.value().clone());
  const std::vector<double> y = evaluate(*fresh, x);
  CHECK(numbers((*fresh)(x).value()) == y);  // where a graph is recorded, as before weights were kept
  return y;
}

}  // namespace

TEST_CASE("derived weights: each write to a parameter or a statistic is noticed, whichever it is" * slow()) {
  for (const Network& network : networks()) {
    CAPTURE(network.name);
    CAPTURE(std::string(name(network.dtype)));
    CAPTURE(network.backend.name());
    const auto net = make(network, 1);
    const Tensor x = images(network);
    std::vector<double> before = evaluate(*net, x);
    CHECK(evaluate(*net, x) == before);
    for (Parameter& p : net->parameters()) {
      CAPTURE(p.name);
      // In place, so that only the version tells. All by different factors, since one for all is divided out again.
      Tensor& value = p.var.value();
      value.backend().binary(Binary::mul, value, positive(value.backend(), value.shape(), 3), value);
      const std::vector<double> now = evaluate(*net, x);
      CHECK(now == of_new_network(network, *net, x));
      if (network.dtype == DType::f32) CHECK(now != before);  // bf16 may round a change away
      before = now;
    }
  }
}

TEST_CASE("derived weights: after training, loading and averaging, evaluation is that of a new network" * slow()) {
  const TemporaryFolder folder;
  for (const Network& network : networks()) {
    CAPTURE(network.name);
    CAPTURE(std::string(name(network.dtype)));
    CAPTURE(network.backend.name());
    const auto net = make(network, 1), other = make(network, 2);
    const Tensor x = images(network);
    const bool has_statistics = net->parameters().size() > net->trainable().size();
    std::vector<double> before = evaluate(*net, x);
    const std::vector<double> first = before;
    const auto changed = [&] {
      const std::vector<double> now = evaluate(*net, x);
      CHECK(now == of_new_network(network, *net, x));
      return std::exchange(before, now) != now;
    };
    CHECK_FALSE(changed());
    Ema ema(net->trainable(), 0.5);
    Sgd optimizer(net->trainable(), 0.01);
    // A step without a forward pass, in which layers would forget what they keep.
    for (const Var& v : net->trainable()) v.add_grad(positive(network.backend, v.shape(), 4));
    optimizer.step();
    CHECK(changed());
    net->train();
    {
      const NoGrad no_grad;
      (*net)(x);  // only running statistics change
    }
    CHECK(changed() == has_statistics);
    net->train();
    weighted_sum(cast((*net)(x), DType::f32)).backward();
    optimizer.step();
    ema.update();
    CHECK(changed());
    const std::vector<double> trained = before;
    ema.swap();
    CHECK(changed());
    ema.swap();
    CHECK(changed());
    CHECK(before == trained);
    ema.swap();
    ema.update();  // writes to what is no longer the network's
    CHECK(changed());
    save_weights(*other, folder / "w.safetensors");
    load_weights(*net, folder / "w.safetensors");
    CHECK(changed());
    CHECK(before == evaluate(*other, x));
  }
}

TEST_CASE("derived weights: they follow the dtype of the images, and the parameters' own") {
  const Network network = {"vgg11_bn", DType::f32, guarded_reference()};
  const auto net = make(network, 1);
  const Tensor x = images(network), rounded = x.cast(DType::bf16);
  const std::vector<double> coarse = evaluate(*net, rounded), exact = evaluate(*net, x);
  CHECK(exact != coarse);
  for (int i = 0; i < 2; ++i) {
    CHECK(evaluate(*net, x) == exact);
    CHECK(evaluate(*net, rounded) == coarse);
  }
  net->cast(DType::f64);
  CHECK(deviation(evaluate(*net, x.cast(DType::f64)), exact) < 1e-4);
  net->cast(DType::f32);
  CHECK(evaluate(*net, x) == exact);
  net->to(guarded_cpu());
  CHECK(deviation(evaluate(*net, x.to(guarded_cpu())), exact) < 1e-4);
}

TEST_CASE("derived weights: the bias of logits in f32 is not rounded where the weight is") {
  Counting& b = counting();
  const InitScope scope(b, 1);
  const NoGrad no_grad;
  Linear hidden(5, 3), last(5, 3, 0, {}, LinearOutput::logits);
  const Tensor x = random_tensor(b, {2, 5}, DType::bf16, 1), bias = random_tensor(b, {3}, DType::f32, 2);
  CHECK(numbers(bias) != numbers(bias.cast(DType::bf16)));
  for (Linear* layer : {&hidden, &last}) {
    parameter(*layer, "bias").set_value(bias);
    const DType dtype = layer == &last ? DType::f32 : DType::bf16;
    const std::vector<double> y = numbers(linear(x, parameter(*layer, "weight"), bias, dtype).value());
    CHECK(numbers((*layer)(x).value()) == y);
    Var again;
    CHECK(b.in([&] { again = (*layer)(x); }) == 1);  // the bias is added
    CHECK(numbers(again.value()) == y);
  }
}

TEST_CASE("derived weights: the second evaluation derives none, and one after a write only what was written") {
  Counting& b = counting();
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const std::string name : {"vgg11", "vgg11_bn", "vgg11_cosine"}) {
      CAPTURE(name);
      const Network network = {name, dtype, b};
      const auto net = make(network, 1);
      const Tensor x = images(network);
      const auto evaluating = [&] {
        return b.in([&] {
          const NoGrad no_grad;
          net->train(false);
          (*net)(x);
        });
      };
      const int first = evaluating(), second = evaluating();
      // What is left: the bias of the last layer is added; a cosine layer scales its input, and casts it twice in bf16.
      const int left = name != "vgg11_cosine" ? 1 : dtype == DType::bf16 ? 6 : 4;
      CHECK(second == left);
      CHECK(evaluating() == left);
      if (name == "vgg11" && dtype == DType::f32) CHECK(first == left);
      else CHECK(first > left);
      if (name == "vgg11_bn") {
        // scale: 3, shift: 2, weight: 1, bias: 2, and two casts.
        const int each = dtype == DType::bf16 ? 10 : 8;
        b.fill(0.5, parameter(*net, "features.1.running_var").value());
        CHECK(evaluating() == left + each);
        CHECK(evaluating() == left);
      }
    }
  }
}

TEST_CASE("derived weights: where a graph is recorded, gradients flow through them as ever, and nothing is kept") {
  Counting& b = counting();
  const InitScope scope(b, 1);
  const Tensor x = random_tensor(b, {2, 4, 4, 3}, DType::bf16, 1);
  for (const bool training : {false, true}) {
    CAPTURE(training);
    Sequential net = {Normalized(3, 4, /*bias=*/true), Conv2d(4, 4, 3, {1, 1}, true), Flatten(), Linear(64, 8),
                      CosineLinear(8, 2)};
    const auto gradients = [&] {
      net.train(training);
      weighted_sum(cast(net(x), DType::f32)).backward();
      std::vector<std::vector<double>> all;
      for (const Var& v : net.trainable()) all.push_back(numbers(v.grad()));
      net.zero_grad();
      return all;
    };
    const std::vector<std::vector<double>> expected = gradients();
    for (const std::vector<double>& gradient : expected) {
      CHECK(std::any_of(gradient.begin(), gradient.end(), [](double g) { return g != 0; }));
    }
    const int64_t without = b.live_bytes;
    evaluate(net, x);
    CHECK(b.live_bytes > without);
    CHECK(gradients() == expected);
    CHECK(b.live_bytes == without);
  }
}

TEST_CASE("derived weights: old ones are gone before new ones take memory") {
  Counting& b = counting();
  const InitScope scope(b, 1);
  Normalized net(3, 64);
  const Tensor x = random_tensor(b, {1, 1, 1, 3}, DType::f32, 1);
  const auto peak = [&] {
    b.peak_bytes = 0;
    evaluate(net, x);
    return b.peak_bytes;
  };
  const int64_t first = peak(), weight = 64 * 27 * 4;
  CHECK(first > 2 * weight);  // the parameter and what is derived of it
  CHECK(first < 3 * weight);
  b.fill(2, parameter(net, "bn.running_var").value());
  CHECK(peak() == first);
}

TEST_CASE("derived weights: a module that is moved, and one that is used with several, computes the same") {
  Counting& b = counting();
  const InitScope scope(b, 1);
  const Tensor x = random_tensor(b, {2, 4, 4, 3}, DType::f32, 1), rounded = x.cast(DType::bf16);
  auto first = std::make_unique<Normalized>(3, 4);
  const std::vector<double> y = evaluate(*first, x);
  Normalized second = std::move(*first);
  first.reset();
  CHECK(b.in([&] { CHECK(evaluate(second, x) == y); }) == 1);  // numbers() converts them
  Sequential net = {std::move(second)};
  CHECK(evaluate(net, x) == y);
  net = {Normalized(3, 4)};
  CHECK(evaluate(net, x) != y);

  Conv2d conv(3, 4, 3, {1, 1}), other(3, 4, 3, {1, 1});
  const std::vector<double> u = evaluate(conv, rounded), v = evaluate(other, rounded);
  CHECK(u != v);
  conv = std::move(other);
  CHECK(evaluate(conv, rounded) == v);

  // One normalization after two convolutions, in turns.
  const NoGrad no_grad;
  BatchNorm2d bn(4);
  bn.train(false);
  Conv2d left(3, 4, 3, {1, 1}), right(3, 4, 3, {1, 1});
  const auto after = [&](Conv2d& c) { return numbers(bn.after(c, x).value()); };
  const std::vector<double> l = after(left), r = after(right);
  CHECK(l != r);
  CHECK(after(left) == l);
  CHECK(after(right) == r);
}

TEST_CASE("derived weights: after an error they are derived again") {
  Backend& b = guarded_cpu();
  const NoGrad no_grad;
  DerivedWeights weights;
  Var w(Tensor::full(b, {}, 2));
  const auto get = [&](const Var& result) {
    return weights.get({w, Var()}, DType::f32, [&]() -> LayerWeights {
      CP_ENSURE(result.defined(), "no weights");
      return {result, {}};
    });
  };
  CHECK(get(3 * w).weight.value().item() == 6);
  CHECK(get(5 * w).weight.value().item() == 6);  // kept
  b.fill(1, w.value());
  CHECK(fails(ErrorKind::failure, {"no weights"}, [&] { get(Var()); }));
  CHECK(get(5 * w).weight.value().item() == 5);
  CHECK(get(Var()).weight.value().item() == 5);
  weights.forget();
  CHECK(fails(ErrorKind::failure, {"no weights"}, [&] { get(Var()); }));
}
