// Optimizers and the learning rate over time.
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "optim/optimizer.h"
#include "optim/schedule.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using List = std::vector<double>;

nlohmann::json golden() {
  std::ifstream file(source_folder() + "/tests/optim/golden/optim.json");
  return nlohmann::json::parse(file);
}

// The problem of golden/make_optim.py: a bowl that is not round, and a part without gradient in
// step 1.
Var loss_of(const Var& a, const Var& b, size_t step) {
  const Tensor bowl = Tensor::from<double>(a.backend(), {4}, {1, 0.3, -2, 5}).cast(a.value().dtype());
  const Var loss = sum(bowl * square(a - 0.25));
  return step == 1 ? loss : loss + sum(pow(b, 3));
}

}  // namespace

TEST_CASE("optim: the steps are PyTorch's, in f64 to 1e-12 and in f32 to 1e-5") {
  const nlohmann::json file = golden();
  const List rates = file["rates"];
  REQUIRE(file["runs"].size() == 10);
  for (const TestBackend& machine : test_backends()) {
    for (const nlohmann::json& golden_run : file["runs"]) {
      for (const DType dtype : {DType::f32, DType::f64}) {
        const std::string what = golden_run["optimizer"];
        CAPTURE(machine.backend.name());
        CAPTURE(what);
        CAPTURE(std::string(name(dtype)));
        const Var a(Tensor::from<double>(machine.backend, {4}, {1, -2, 0.5, 0}).cast(dtype), true);
        const Var b(Tensor::from<double>(machine.backend, {2}, {3, 1e-3}).cast(dtype), true);
        const auto optimizer =
            make_optimizer(what, {a, b}, golden_run["momentum"], golden_run["nesterov"], golden_run["weight_decay"]);
        for (size_t step = 0; step < rates.size(); ++step) {
          CAPTURE(step);
          loss_of(a, b, step).backward();
          optimizer->step(rates[step]);
          CHECK_FALSE(a.grad().defined());
          CHECK_FALSE(b.grad().defined());
          const double tolerance = dtype == DType::f64 ? 1e-12 : 1e-5;
          CHECK(deviation(numbers(a.value()), golden_run["steps"][step]["a"], 1) < tolerance);
          CHECK(deviation(numbers(b.value()), golden_run["steps"][step]["b"], 1) < tolerance);
        }
      }
    }
    check_guard(machine);
  }
}

TEST_CASE("optim: what is no optimizer is wrong usage") {
  const auto make = [](const std::string& name, double momentum, bool nesterov, double decay) {
    return [=] { make_optimizer(name, {}, momentum, nesterov, decay); };
  };
  CHECK(fails(ErrorKind::invalid_argument, {"rmsprop", "sgd", "adam", "adamw"}, make("rmsprop", 0, false, 0)));
  CHECK(fails(ErrorKind::invalid_argument, {"sgd", "momentum", "1"}, make("sgd", 1, false, 0)));
  CHECK(fails(ErrorKind::invalid_argument, {"sgd", "momentum", "-0.1"}, make("sgd", -0.1, false, 0)));
  CHECK(fails(ErrorKind::invalid_argument, {"sgd", "decay", "-1"}, make("sgd", 0, false, -1)));
  CHECK(fails(ErrorKind::invalid_argument, {"sgd", "Nesterov"}, make("sgd", 0, true, 0)));
  CHECK(fails(ErrorKind::invalid_argument, {"adam", "decay", "-1"}, make("adam", 0, false, -1)));
  CHECK(fails(ErrorKind::invalid_argument, {"adam", "beta1", "1"}, [] { Adam({}, 0, false, 1, 0.9); }));
}

TEST_CASE("optim: schedules") {
  const auto rate = [](const Schedule& s, double epoch) { return s.at(epoch, 10); };
  Schedule s;
  s.lr = 0.4;
  CHECK(rate(s, 0) == 0.4);
  CHECK(rate(s, 9.9) == 0.4);

  s.kind = Schedule::step, s.step_every = 3, s.step_gamma = 0.5;
  for (const auto& [epoch, expected] :
       {std::pair(0., 0.4), {2.99, 0.4}, {3., 0.2}, {5.5, 0.2}, {6., 0.1}, {9., 0.05}}) {
    CHECK(rate(s, epoch) == doctest::Approx(expected));
  }

  s.kind = Schedule::cosine;
  for (const auto& [epoch, expected] :
       {std::pair(0., 0.4), {2.5, 0.341421356}, {5., 0.2}, {7.5, 0.058578644}, {10., 0.}, {12., 0.}}) {
    CHECK(rate(s, epoch) == doctest::Approx(expected));
  }

  for (const Schedule::Kind kind : {Schedule::constant, Schedule::step, Schedule::cosine}) {
    s.kind = kind, s.warmup = 2;  // a straight line up to lr
    CHECK(rate(s, 0) == 0);
    CHECK(rate(s, 0.5) == doctest::Approx(0.1));
    CHECK(rate(s, 1) == doctest::Approx(0.2));
    CHECK(rate(s, 2) == doctest::Approx(0.4));
  }
  CHECK(rate(s, 6) == doctest::Approx(0.2));  // cosine: halfway between 2 and 10
  CHECK(rate(s, 10) == doctest::Approx(0));
  s.warmup = 10;  // nothing is left behind the warm-up
  CHECK(rate(s, 10) == doctest::Approx(0.4));

  CHECK(parse_schedule("constant") == Schedule::constant);
  CHECK(parse_schedule("step") == Schedule::step);
  CHECK(parse_schedule("cosine") == Schedule::cosine);
  CHECK(fails(ErrorKind::invalid_argument, {"linear", "constant", "step", "cosine"}, [] { parse_schedule("linear"); }));
}
