// What a graph refuses: gradients of another kind than the value, values that were written too early, and what an
// operation that throws leaves behind.
#include <doctest/doctest.h>

#include "layers/linear.h"
#include "optim/optimizer.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"

using namespace counterpoise;

TEST_CASE("graph: a gradient is of the shape, the dtype and the backend of its value") {
  Backend& b = guarded_cpu();
  Var x(Tensor::full(b, {3}, 2, DType::f64), true);
  x.add_grad(Tensor::full(b, {3}, 1, DType::f64));
  const auto refused = [&](const Gradient& g, const std::vector<std::string>& words) {
    return fails(ErrorKind::failure, words, [&] { x.add_grad(g); });
  };
  CHECK(refused(Tensor::full(b, {3}, 1), {"add_grad", "f32", "f64", "a leaf"}));
  CHECK(refused(Tensor::full(b, {2}, 1, DType::f64), {"add_grad", "[2]", "[3]"}));
  CHECK(refused(Tensor::full(guarded_reference(), {3}, 1, DType::f64), {"add_grad", "reference", "cpu"}));
  CHECK(refused({}, {"add_grad", "undefined"}));
  CHECK(numbers(x.grad()) == std::vector<double>{1, 1, 1});
  x.value() = x.value().cast(DType::f32);
  CHECK(refused(Tensor::full(b, {3}, 1), {"add_grad", "f64", "f32", "zero_grad()"}));
}

TEST_CASE("graph: a value of another dtype or on another backend has no gradient") {
  Linear layer(3, 2);
  const auto differentiate = [&] {
    const Var weight = layer.trainable()[0];
    sum(square(weight)).backward();
    return weight;
  };
  const Var weight = differentiate();
  layer.cast(DType::f32), layer.to(cpu_backend());  // nothing changes
  CHECK(weight.grad().defined());
  layer.cast(DType::f64);
  CHECK_FALSE(weight.grad().defined());
  differentiate();
  CHECK(weight.grad().dtype() == DType::f64);
  layer.to(reference_backend());
  CHECK_FALSE(weight.grad().defined());
  differentiate();
  CHECK(&weight.grad().backend() == &reference_backend());
}

TEST_CASE("graph: the gradient of a bias in bf16 goes on in bf16") {
  Backend& b = reference_backend();
  const auto ones = [&](const Shape& shape) { return Tensor::full(b, shape, 1, DType::bf16); };
  const Tensor x = ones({1, 2, 2, 1}), w = ones({4, 1, 1, 1});
  const std::pair<const char*, std::function<Var(const Var&)>> operations[] = {
      {"conv2d", [&](const Var& bias) { return conv2d(x, w, bias, {}); }},
      {"conv2d with relu", [&](const Var& bias) { return conv2d(x, w, bias, {}, true); }},
      {"pooled",
       [&](const Var& bias) {
         return conv2d_relu_max_pool2d(x, w, bias, {}, {1, 1});
       }},
  };
  for (const auto& [what, f] : operations) {
    CAPTURE(what);
    Var bias(Tensor::from<float>(b, {4}, {1, 2, 3, 4}), true);
    sum(cast(f(square(cast(bias, DType::bf16))), DType::f32)).backward();
    CHECK(numbers(bias.grad()) == std::vector<double>{8, 16, 24, 32});  // four pixels times 2 b
  }
}

TEST_CASE("graph: what an operation has read must not be written before backward()") {
  Backend& b = guarded_cpu();
  Var w(Tensor::full(b, {2}, 3), true), c(Tensor::full(b, {2}, 5));
  const auto refused = [&](const Var& loss, const std::vector<std::string>& words) {
    return fails(ErrorKind::failure, words, [&] { loss.backward(); }) && !w.grad().defined();
  };
  Var loss = sum(square(w));
  w.set_value(Tensor::full(b, {2}, 100));
  CHECK(refused(loss, {"backward", "input 0 of square", "written", "again"}));
  loss = sum(w * c);
  b.fill(7, c.value());
  CHECK(refused(loss, {"input 1 of mul"}));
  Var y = exp(0 * w);
  b.fill(1, y.value());
  CHECK(refused(sum(y), {"the result of exp", "clone()"}));

  // Two losses of the same weights: the first step must wait for both.
  Sgd optimizer({w}, 0.5);
  const Var first = sum(w * c), second = sum(w * w);
  first.backward(), optimizer.step();
  CHECK(refused(second, {"input 0 of mul", "written"}));

  // Before the operation and after backward() everything may be written, and detached numbers at any time.
  w.set_value(Tensor::full(b, {2}, 3));
  loss = sum(w * detach(w).value().clone());
  loss.backward();
  CHECK(numbers(w.grad()) == std::vector<double>{3, 3});
  optimizer.step();
  sum(square(w)).backward();
  CHECK(numbers(w.grad()) == std::vector<double>{3, 3});
}

TEST_CASE("graph: memory that a gradient needs must not be written, though no variable has it any more") {
  const Var x(Tensor::full(guarded_cpu(), {3}, 1), true);
  Var y = exp(x);
  Tensor memory = y.value();
  const Var loss = sum(y);
  y = Var();
  guarded_cpu().fill(0, memory);
  CHECK(fails(ErrorKind::failure, {"backward", "exp", "was written"}, [&] { loss.backward(); }));
}

TEST_CASE("graph: only a leaf can be set, and an operation needs a function for its backward pass") {
  Backend& b = guarded_cpu();
  const Var x(Tensor::full(b, {2}, 3), true);
  Var y = square(x);
  CHECK(x.is_leaf());
  CHECK_FALSE(y.is_leaf());
  CHECK(square(detach(x)).is_leaf());
  CHECK(fails(ErrorKind::failure, {"set_value", "square", "leaf"}, [&] { y.set_value(x.value()); }));
  CHECK(fails(ErrorKind::failure, {"nothing", "backward"}, [&] { Var::from_op("nothing", x.value(), {x}, nullptr); }));
}

namespace {
// A backend that knows whether something is aside.
class Asides : public Guarded<CpuBackend> {
 public:
  void aside(const std::function<void()>& enqueue) override { is_aside = true, enqueue(); }
  void rejoin() override { is_aside = false; }
  bool is_aside = false;
};

Var throws(const Var& x) {
  return Var::from_op("throws", x.value(), {x}, [](const Gradient&) { throw Error(ErrorKind::failure, "on purpose"); });
}
}  // namespace

TEST_CASE("graph: an operation that throws leaves no gradient for another backward(), and nothing aside") {
  Asides b;
  Var x(Tensor::full(b, {2}, 3), true);
  const Var h = square(x);
  // The second sum's gradient reaches h before the other operation throws.
  CHECK(fails(ErrorKind::failure, {"on purpose"}, [&] { (sum(throws(h)) + sum(h)).backward(); }));
  sum(h).backward();
  CHECK(numbers(x.grad()) == std::vector<double>{6, 6});

  const Var image(Tensor::full(b, {1, 2, 2, 1}, 1), true), w(Tensor::full(b, {1, 1, 1, 1}, 1), true);
  CHECK(fails(ErrorKind::failure, {"on purpose"}, [&] { sum(conv2d(throws(image), w, Var(), {})).backward(); }));
  CHECK(w.grad().defined());
  CHECK_FALSE(b.is_aside);
}

TEST_CASE("graph: an operation passes gradients to its inputs alone, or backward() throws instead of losing them") {
  Backend& b = guarded_cpu();
  const Var x(Tensor::full(b, {2}, 3), true);
  const Var between = square(x);
  // An operation of x and of `between` that names only x.
  const auto forgetful = [&] {
    return Var::from_op("forgetful", between.value().clone(), {x}, [between](Tensor dy) { between.add_grad(dy); });
  };
  const std::vector<std::string> words = {"add_grad", "square", "as an input"};
  CHECK(fails(ErrorKind::failure, words, [&] { sum(forgetful()).backward(); }));
  CHECK_FALSE(between.grad().defined());
  CHECK(fails(ErrorKind::failure, words, [&] { between.add_grad(Tensor::full(b, {2}, 1)); }));
  Var written = exp(x);
  const Var refused = sum(square(between) + square(written));
  b.fill(0, written.value());
  CHECK(fails(ErrorKind::failure, {"written after"}, [&] { refused.backward(); }));
  CHECK(fails(ErrorKind::failure, words, [&] { between.add_grad(Tensor::full(b, {2}, 1)); }));
  sum(between).backward();  // as if nothing had happened
  CHECK(numbers(x.grad()) == std::vector<double>{6, 6});
  CHECK(fails(ErrorKind::failure, words, [&] { sum(forgetful()).backward(); }));
}
