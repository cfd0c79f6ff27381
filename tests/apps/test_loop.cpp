// The training loop, on a table and a linear model.
#include "apps/trainer/loop.h"

#include <cmath>
#include <limits>
#include <tuple>

#include "core/ops.h"
#include "data/tables/table.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

// y = 2 x, as labels 0, 2, 4, ... of rows 0, 1, 2, ...
struct Line {
  Backend& backend;
  Table table{{0, 1, 2, 3, 4}, 1, {0, 2, 4, 6, 8}};
  Var w{Tensor::zeros(backend, {1, 1}), true};
  Optimizer optimizer;
  TrainingLoop loop;

  explicit Line(Backend& backend = cpu_backend(), const std::string& name = "sgd")
      : backend(backend), optimizer(make_optimizer(name, {w})) {
    loop.lr = [](const Step&) { return 0.05; };
    loop.forward = [this](const Batch& batch, const Step&) {
      std::vector<float> wanted(batch.labels.begin(), batch.labels.end());
      const Tensor y = Tensor::from(batch.x.backend(), {Index(batch.size()), 1}, wanted);
      return mean(square(matmul(batch.x, w, false, true) - y));
    };
  }
  DataLoaderOptions options(int batch_size) const {
    DataLoaderOptions options = {batch_size, "", {}, 1};
    options.backend = &backend;
    return options;
  }
  int64_t run(int batch_size = 2) {
    DataLoader loader(table, options(batch_size));
    return loop.run(loader, optimizer, {w});
  }
  double weight() const { return w.value().item(); }
};

}  // namespace

TEST_CASE("loop: learns, and reports each step and each epoch") {
  Line line;
  std::vector<Step> steps;
  std::vector<EpochResult> epochs;
  line.loop.epochs = 60;
  line.loop.after_step = [&](const Step& step) { steps.push_back(step); };
  line.loop.after_epoch = [&](const EpochResult& epoch) {
    epochs.push_back(epoch);
    return true;
  };
  CHECK(line.run() == 180);
  CHECK(line.weight() == doctest::Approx(2).epsilon(1e-3));
  REQUIRE(steps.size() == 180);
  REQUIRE(epochs.size() == 60);
  CHECK(steps[0].loss == doctest::Approx(2));  // rows 0 and 1: (0 + 4) / 2
  CHECK(steps[0].samples == 2);
  CHECK(steps[2].samples == 1);
  CHECK(steps[4].index == 4);
  CHECK(steps[4].epoch == 2);
  CHECK(steps[4].index_in_epoch == 1);
  CHECK(steps[4].lr == 0.05);
  CHECK(epochs[1].epoch == 2);
  CHECK(epochs[1].steps == 6);
  CHECK(epochs[1].samples == 5);
  CHECK(epochs[0].loss == doctest::Approx((2 * steps[0].loss + 2 * steps[1].loss + steps[2].loss) / 5));
}

TEST_CASE("loop: ends after max_steps, at a stop, and where an epoch's callback says so") {
  Line limited;
  limited.loop.epochs = 10;
  limited.loop.max_steps = 4;
  int epochs = 0;
  limited.loop.after_epoch = [&](const EpochResult& epoch) {
    CHECK(epoch.samples == (++epochs == 1 ? 5 : 2));
    return true;
  };
  CHECK(limited.run() == 4);
  CHECK(epochs == 2);

  Line stopped;
  stopped.loop.epochs = 10;
  int seen = 0;
  stopped.loop.after_step = [&](const Step&) { ++seen; };
  stopped.loop.stop = [&] { return seen == 5; };
  CHECK(stopped.run() == 5);

  Line ended;
  ended.loop.epochs = 10;
  ended.loop.after_epoch = [](const EpochResult& epoch) { return epoch.epoch < 3; };
  CHECK(ended.run() == 9);
}

TEST_CASE("loop: an order of the caller's, and the learning rate of each step") {
  Line line;
  line.loop.epochs = 2;
  line.loop.order = [](int epoch) { return std::vector<size_t>(3, size_t(epoch)); };  // row 1, then row 2
  std::vector<double> rates;
  line.loop.lr = [&](const Step& step) {
    rates.push_back(0.01 * static_cast<double>(step.index + 1));
    return rates.back();
  };
  double w = 0;
  const auto descend = [&](double x, double lr) { w -= lr * 2 * x * (w * x - 2 * x); };
  CHECK(line.run(3) == 2);
  descend(1, 0.01), descend(2, 0.02);
  CHECK(line.weight() == doctest::Approx(w));
  CHECK(rates == std::vector<double>{0.01, 0.02});
}

TEST_CASE("loop: a loss or a gradient that is not finite ends it, before the weights move") {
  Line line;
  const auto forward = line.loop.forward;
  const auto message = [&] { return error_of([&] { line.run(); }, ErrorKind::diverged); };
  line.loop.epochs = 3;
  line.loop.lr = [](const Step&) { return 0.; };
  line.loop.forward = [&](const Batch& batch, const Step& step) {
    return step.index == 4 ? forward(batch, step) * std::numeric_limits<double>::quiet_NaN() : forward(batch, step);
  };
  CHECK(message() == "training diverged: the loss is NaN at step 5 (epoch 2, learning rate 0)");
  line.loop.forward = [&](const Batch& batch, const Step& step) { return forward(batch, step) * 1e39; };
  CHECK(message() == "training diverged: the loss is infinite at step 1 (epoch 1, learning rate 0)");
  // A finite loss, 0, whose gradient is infinite: sqrt at 0.
  line.w.zero_grad();
  line.loop.forward = [&](const Batch&, const Step&) { return sum(sqrt(line.w)); };
  CHECK(message() == "training diverged: the gradient is infinite at step 1 (epoch 1, learning rate 0)");
  CHECK(line.weight() == 0);
}

// Steps are compared by what does not depend on the clock.
TEST_CASE(
    "loop: after a step that diverged, weights and optimizer are those before it, bit for bit, on every backend") {
  using Steps = std::vector<std::tuple<int64_t, int, size_t, double, double>>;
  const auto record = [](Line& line, Steps& steps) {
    line.loop.after_step = [&](const Step& s) { steps.push_back({s.index, s.epoch, s.index_in_epoch, s.lr, s.loss}); };
  };
  const auto state = [](const Line& line) {
    std::vector<double> all = numbers(line.w.value());
    for (const Tensor& x : line.optimizer.states()[0].tensors) {
      for (const double value : numbers(x)) all.push_back(value);
    }
    return std::pair(all, line.optimizer.states()[0].steps);
  };
  enum Fault { loss_is_nan, loss_is_infinite, gradient_is_infinite };
  for (const TestBackend& machine : test_backends()) {
    for (const std::string& name : optimizer_names()) {
      for (const int64_t bad : {0, 1, 2, 3, 4, 8}) {  // three steps make an epoch
        for (const Fault fault : {loss_is_nan, loss_is_infinite, gradient_is_infinite}) {
          const std::string where = detail::text(name, " on ", machine.backend.name(), ", step ", bad, ", ", fault);
          CAPTURE(where);
          Line whole(machine.backend, name), broken(machine.backend, name);
          Steps expected, steps;
          record(whole, expected), record(broken, steps);
          whole.loop.epochs = broken.loop.epochs = 3;
          if (bad > 0) {
            whole.loop.max_steps = bad;
            CHECK(whole.run() == bad);
          }
          const auto forward = broken.loop.forward;
          broken.loop.forward = [&](const Batch& batch, const Step& step) {
            const Var loss = forward(batch, step);
            if (step.index != bad) return loss;
            if (fault == loss_is_nan) return loss * std::numeric_limits<double>::quiet_NaN();
            if (fault == loss_is_infinite) return loss + std::numeric_limits<double>::infinity();
            return sum(sqrt(broken.w - broken.w.value()));  // 0, with an infinite slope
          };
          const std::string message = error_of([&] { broken.run(); }, ErrorKind::diverged);
          CHECK(message == detail::text("training diverged: the ",
                                        fault == gradient_is_infinite ? "gradient is infinite"
                                        : fault == loss_is_infinite   ? "loss is infinite"
                                                                      : "loss is NaN",
                                        " at step ", bad + 1, " (epoch ", 1 + bad / 3, ", learning rate 0.05)"));
          CHECK(steps == expected);
          if (bad == 0) {
            CHECK(broken.w.value().item() == 0);
            CHECK(broken.optimizer.states()[0].steps == 0);
            continue;
          }
          CHECK(state(broken) == state(whole));
          // Both go on alike.
          whole.loop.max_steps = broken.loop.max_steps = 4;
          broken.loop.forward = forward;
          CHECK(whole.run() == 4);
          CHECK(broken.run() == 4);
          CHECK(state(broken) == state(whole));
          CHECK(steps == expected);
        }
      }
    }
  }
}

TEST_CASE("loop: every step is reported before the epoch's end, and before an error of a later one") {
  for (const TestBackend& machine : test_backends()) {
    CAPTURE(machine.backend.name());
    Line line(machine.backend);
    std::vector<std::string> calls;
    line.loop.epochs = 3;
    line.loop.after_step = [&](const Step& step) { calls.push_back(detail::text("step ", step.index)); };
    line.loop.after_epoch = [&](const EpochResult& result) {
      calls.push_back(detail::text("epoch of ", result.samples, " after ", result.steps));
      return true;
    };
    const auto forward = line.loop.forward;
    line.loop.forward = [&](const Batch& batch, const Step& step) {
      CP_ENSURE(step.index < 5, "the sixth step fails");
      return forward(batch, step);
    };
    CHECK(error_of([&] { line.run(); }) == "the sixth step fails");
    CHECK(detail::join(calls) == "step 0, step 1, step 2, epoch of 5 after 3, step 3, step 4");
    CHECK(line.optimizer.states()[0].steps == 5);
  }
}

TEST_CASE("loop: a step that diverged is the error, even if the next one fails for another reason") {
  for (const TestBackend& machine : test_backends()) {
    CAPTURE(machine.backend.name());
    Line line(machine.backend);
    const auto forward = line.loop.forward;
    line.loop.forward = [&](const Batch& batch, const Step& step) {
      CP_ENSURE(step.index < 2, "the third step fails");
      return step.index == 1 ? forward(batch, step) * std::nan("") : forward(batch, step);
    };
    CHECK(contains(error_of([&] { line.run(); }, ErrorKind::diverged), "the loss is NaN at step 2"));
  }
}

TEST_CASE("loop: gradients are clipped, and after_update sees each step's weights before its loss is known") {
  for (const TestBackend& machine : test_backends()) {
    {
      Line free(machine.backend), clipped(machine.backend);
      clipped.loop.max_norm = 0.5;
      std::vector<double> weights;
      std::vector<int64_t> updated, reported;
      clipped.loop.after_update = [&](const Step& step) {
        updated.push_back(step.index);
        weights.push_back(clipped.weight());
      };
      clipped.loop.after_step = [&](const Step& step) { reported.push_back(step.index); };
      free.run(), clipped.run();
      CHECK(updated == std::vector<int64_t>{0, 1, 2});
      CHECK(reported == updated);
      // Each gradient is longer than 0.5, so that a step is 0.05 times 0.5.
      for (size_t i = 0; i < weights.size(); ++i) {
        CHECK(weights[i] == doctest::Approx(0.025 * static_cast<double>(i + 1)).epsilon(1e-5));
      }
      CHECK(free.weight() > 0.5);
    }
    check_guard(machine);
  }
}
