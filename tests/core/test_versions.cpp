// Versions of tensors: every write gives a number that no tensor had before, and nothing else does.
#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <thread>

#include "optim/ema.h"
#include "optim/optimizer.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"

using namespace counterpoise;

namespace {

// Whether `action` changes the version of a tensor.
bool writes(const Tensor& x, const std::function<void()>& action) {
  const uint64_t before = x.version();
  action();
  return x.version() != before;
}

}  // namespace

TEST_CASE("versions: every write to a tensor changes its version") {
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    CAPTURE(b.name());
    Tensor x = Tensor::full(b, {3}, 2);
    const Tensor other = Tensor::full(b, {3}, 5);
    const std::vector<float> host = {1, 2, 3};
    CHECK(writes(x, [&] { b.fill(1, x); }));
    CHECK(writes(x, [&] { b.upload(host.data(), x); }));
    CHECK(writes(x, [&] { b.copy(other, x); }));
    CHECK(writes(x, [&] { b.add_scaled(2, other, x); }));
    CHECK(writes(x, [&] { b.unary(Unary::exp, 0, 0, x, x); }));
    CHECK(writes(x, [&] { b.upload(host.data(), x); }));  // the same numbers, but written
    Tensor handle = x, shape = x.reshape({3, 1});
    CHECK(writes(x, [&] { b.fill(1, handle); }));
    CHECK(writes(x, [&] { b.fill(1, shape); }));
    CHECK(handle.version() == x.version());
    CHECK(shape.version() == x.version());

    Var w(x.clone(), true);
    CHECK(writes(w.value(), [&] { w.set_value(other); }));
    CHECK(w.value().version() == other.version());
    CHECK(writes(w.value(), [&] { w.value() = other.clone(); }));
    sum(square(w)).backward();
    const Tensor gradient = w.grad();
    CHECK_FALSE(writes(gradient, [&] { sum(square(w)).backward(); }));  // `gradient` is a handle: a clone was written
    CHECK(writes(w.grad(), [&] { sum(square(w)).backward(); }));        // and now in place

    Tensor mean = Tensor::zeros(b, {2}), var = Tensor::full(b, {2}, 1);
    const Var rows(Tensor::full(b, {4, 2}, 3)), ones(Tensor::full(b, {2}, 1));
    for (const bool training : {true, false}) {
      CAPTURE(training);
      CHECK(writes(mean, [&] { batch_norm(rows, ones, ones, mean, var, training); }) == training);
      CHECK(writes(var, [&] { batch_norm(rows, ones, ones, mean, var, training); }) == training);
    }
  }
}

TEST_CASE("versions: a step of each optimizer changes those of the parameters, and an average only its own") {
  for (const TestBackend& machine : test_backends()) {
    for (const std::string& name : optimizer_names()) {
      CAPTURE(name);
      Var u(Tensor::full(machine.backend, {3}, 2), true), v(Tensor::full(machine.backend, {2}, 2), true);
      Optimizer optimizer = make_optimizer(name, {u, v}, {{"lr", 0.1}});
      Ema ema({u, v}, 0.9);
      for (int step = 0; step < 2; ++step) {
        const auto backward = [&] { (sum(square(u)) + sum(square(v))).backward(); };
        CHECK_FALSE(writes(u.value(), backward));
        CHECK_FALSE(writes(v.value(), backward));
        const uint64_t before = v.value().version();
        CHECK(writes(u.value(), [&] { optimizer.step(); }));
        CHECK(v.value().version() != before);
        CHECK_FALSE(writes(u.value(), [&] { ema.update(); }));
        CHECK(writes(ema.averages()[1], [&] { ema.update(); }));
      }
      const uint64_t before = u.value().version();
      CHECK(writes(u.value(), [&] { ema.swap(); }));
      CHECK(writes(u.value(), [&] { ema.swap(); }));
      CHECK(u.value().version() == before);  // the same numbers in the same memory
    }
  }
}

TEST_CASE("versions: nothing that only reads a tensor changes its version") {
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    CAPTURE(b.name());
    Tensor x = Tensor::full(b, {2, 2}, 2), one = Tensor::full(b, {1}, 2), y = Tensor::empty(b, {2, 2});
    Var w(x, true);
    CHECK_FALSE(writes(one, [&] { one.item(); }));
    CHECK_FALSE(writes(x, [&] {
      // x is not const, but what these want is a ConstView.
      b.copy(x, y), b.unary(Unary::exp, 0, 0, x, y), b.matmul(x, false, x, true, y);
      x.to_vector<float>(), x.clone(), x.cast(DType::f64), x.to(reference_backend()), x.to(guarded_cpu());
      x.reshape({4}), expand(x, {3, 2, 2}), sum_to(x, {2}), sum_squares({x});
      const ConstView view = x;
      CHECK(view.size() == 4);
      const Tensor copy = x;
      CHECK(copy.version() == x.version());
      CHECK(x.reshape({4}).version() == x.version());
      CHECK(x.cast(DType::f32).version() == x.version());
      CHECK(Var(x).value().version() == x.version());
      CHECK(w.value().version() == x.version());
      sum(log_softmax(matmul(w, w) + w)).backward();
      w.zero_grad();
    }));
  }
}

TEST_CASE("versions: no two memories ever have the same one, in no thread") {
  CHECK(Tensor().version() == 0);
  Tensor none;
  CHECK(View(none).data == nullptr);
  CHECK(none.version() == 0);
  Backend& b = reference_backend();
  std::set<uint64_t> seen = {0};
  const auto is_new = [&](const Tensor& x) { return seen.insert(x.version()).second; };
  for (int i = 0; i < 3; ++i) {  // the next tensor mostly gets the memory that this one had
    Tensor x = Tensor::empty(b, {3});
    CHECK(is_new(x));
    CHECK(is_new(x.clone()));
    CHECK(is_new(x.cast(DType::f64)));
    CHECK(is_new(x.to(guarded_cpu())));
    CHECK(is_new(Tensor::zeros(b, {3})));
    CHECK(is_new(Tensor::from<float>(b, {1}, {2})));
    b.fill(0, x);
    CHECK(is_new(x));
  }
  constexpr size_t threads = 4, each = 500;
  std::vector<uint64_t> versions(threads * each);
  std::vector<std::thread> all;
  for (size_t t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (size_t i = 0; i < each; ++i) versions[t * each + i] = Tensor::empty(b, {1}).version();
    });
  }
  for (std::thread& thread : all) thread.join();
  seen.insert(versions.begin(), versions.end());
  CHECK(seen.size() == 1 + 3 * 7 + threads * each);
}
