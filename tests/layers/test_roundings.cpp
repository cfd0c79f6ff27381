// Weights in bf16, Var::rounded(): they are those of the present weights, and an optimizer keeps them so.
#include <doctest/doctest.h>

#include <cmath>

#include "layers/activation.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/sequential.h"
#include "optim/optimizer.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {
// Counts casts to bf16, and has no memory if it should not.
class Rounding : public Guarded<ReferenceBackend> {
 public:
  int roundings = 0;
  bool fails = false;
  void cast(const ConstView& x, const View& y) override {
    roundings += y.dtype == DType::bf16;
    Guarded<ReferenceBackend>::cast(x, y);
  }
  void* allocate(size_t bytes) override {
    CP_ENSURE_AS(out_of_memory, !fails, "no memory");
    return Guarded<ReferenceBackend>::allocate(bytes);
  }
};
}  // namespace

TEST_CASE("roundings: an optimizer writes the weights' roundings as well, so that a step needs no pass for them") {
  Rounding b;
  const InitScope scope(b, 1);
  const Tensor x = random_tensor(b, {2, 4, 4, 3}, DType::bf16, 1);
  Sequential net = {Conv2d(3, 4, 3, {1, 1}, true), Flatten(), Linear(64, 8), Linear(8, 2, 0, {}, LinearOutput::logits)};
  std::vector<Var> weights = net.trainable();
  const auto loss = [&] { return weighted_sum(net(x)); };
  const auto are_right = [&] {
    for (const Var& v : weights) CHECK(numbers(v.rounded()) == numbers(v.value().cast(DType::bf16)));
  };
  for (const char* name : {"sgd", "adam"}) {
    CAPTURE(name);
    Optimizer optimizer = make_optimizer(name, weights, {{"lr", 0.1}});
    const auto roundings_of_a_step = [&](const Tensor& guard = {}) {
      const int before = b.roundings;
      loss().backward();
      optimizer.step(guard);
      return b.roundings - before - 1;  // without that of the logits' gradient
    };
    roundings_of_a_step();
    const std::vector<double> before = numbers(weights[0].value());
    CHECK(roundings_of_a_step() == 0);
    CHECK(numbers(weights[0].value()) != before);
    are_right();
    CHECK(roundings_of_a_step(Tensor::full(b, {1}, std::nan(""), DType::f64)) == 0);  // which changes nothing
    are_right();
    b.fill(0.5, weights[0].value());
    CHECK(roundings_of_a_step() == 1);
    // In a step while a graph refers to the roundings these stay, and others are computed.
    const Var graph = loss();
    const Tensor held = weights[0].rounded();
    const std::vector<double> then = numbers(held);
    roundings_of_a_step();
    CHECK(numbers(held) == then);
    CHECK(numbers(weights[0].rounded()) != then);
    are_right();
  }
}

TEST_CASE("roundings: a rounding is that of the value, whatever was thrown or written in between") {
  Rounding b;
  const auto rounding_is_right = [](const Var& v) {
    return v.rounded().defined() && numbers(v.rounded()) == numbers(v.value().cast(DType::bf16));
  };
  const Tensor first = random_tensor(b, {4}, DType::f32, 1), second = random_tensor(b, {4}, DType::f32, 2);
  Var v(first, true);
  const Tensor held = v.rounded();  // as by a graph, so that the next one needs memory of its own
  v.set_value(second);
  b.fails = true;
  CHECK(fails(ErrorKind::out_of_memory, {"no memory"}, [&] { v.rounded(); }));
  b.fails = false;
  v.set_value(first);
  CHECK(rounding_is_right(v));

  // An update that writes the rounding, and then one that does not.
  const uint64_t updated = v.value().version();
  b.fill(0.3, v.value());
  v.mark_rounding(updated);
  CHECK(rounding_is_right(v));

  v.set_value(v.value().to(guarded_cpu()));
  CHECK(&v.rounded().backend() == &guarded_cpu());
  CHECK(rounding_is_right(v));
}
