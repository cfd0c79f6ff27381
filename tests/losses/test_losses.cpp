// Every loss of the registry: gradients, extreme logits, mixed samples, states.
#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/golden.h"
#include "tests/losses/cases.h"

using namespace counterpoise;

using Json = nlohmann::json;

namespace {

// Whether the gradient is the derivative of the value, so that finite differences must agree with it.
bool differentiable(const Case& c) {
  if (!c.info->is(LossInfo::stop_gradient)) return true;
  const LossSpec p = resolve(*c.info, c.form, c.given);
  if (c.info->name == "ghm") return true;  // its weights are piecewise constant
  if (c.info->name == "seesaw") return p["q"] == 0;
  return c.info->name == "influence-balanced" && p["detach"] == 0;
}

}  // namespace

TEST_CASE("losses: gradients of every row are those of finite differences, 1e-6") {
  int checked = 0;
  for (const TestBackend& machine : test_backends()) {
    const int probes = machine.backend.is_remote() ? 4 : 60;  // as in "ops: gradients"
    for (const Case& c : cases()) {
      if (!differentiable(c)) continue;
      const std::string where = c.str() + " on " + machine.backend.name();
      CAPTURE(where);
      const std::vector<int32_t> classes =
          c.classes() == 2 ? std::vector<int32_t>{0, 1, 0, 1, 0, 0, 1} : std::vector<int32_t>{0, 1, 2, 1, 0, 1, 2};
      const Labels labels = make_labels(machine.backend, classes, 1, DType::f64);
      const Var z = leaves({{c.shape(7), Input::normal, 2}}, machine.backend, DType::f64)[0];
      for (const List& weights : {List{}, c.weights()}) {
        LossOptions options;
        options.class_weights = weights;
        Loss loss = c.loss(options);
        const auto each = [&] { return loss.per_sample(z, labels); };
        const auto mean = [&] { return loss(z, labels); };
        CHECK(each().shape() == (c.info->is(LossInfo::batch_level) ? Shape{} : Shape{7}));
        CHECK(mean().shape() == Shape{});
        for (const Gradcheck& check : {gradcheck(each, {z}, probes), gradcheck(mean, {z}, probes)}) {
          CHECK_MESSAGE(check.error < 1e-6, check.where);
        }
        ++checked;
      }
    }
  }
  CHECK(checked > 300);
}

TEST_CASE("losses: values and gradients are finite at logits of +-1e4 in f32") {
  for (const TestBackend& machine : test_backends()) {
    for (const Case& c : cases()) {
      const std::string where = c.str() + " on " + machine.backend.name();
      CAPTURE(where);
      std::vector<float> logits;
      std::vector<int32_t> classes;
      for (const float z : {1e4f, -1e4f, 200.f, -200.f, 0.f}) {
        for (int32_t label = 0; label < c.classes(); ++label) {
          logits.push_back(z);
          if (c.classes() == 3) logits.insert(logits.end(), {-z, z / 3});
          classes.push_back(label);
        }
      }
      const Labels labels = make_labels(machine.backend, classes, 1);
      for (const List& weights : {List{}, c.weights()}) {
        const Var z(Tensor::from(machine.backend, c.shape(labels.size()), logits), true);
        LossOptions options;
        options.class_weights = weights;
        Loss loss = c.loss(options);
        loss.train(true);
        const Var y = loss.per_sample(z, labels);
        sum(y).backward();
        for (const double v : values(y)) CHECK((std::isfinite(v) && v >= 0));
        for (const double g : numbers(z.grad())) CHECK(std::isfinite(g));
        for (const auto& [name, state] : loss.state()) {
          for (const double v : state) CHECK(std::isfinite(v));
        }
      }
    }
  }
}

TEST_CASE("losses: a logit that is NaN makes the loss NaN, by which a run that diverged is noticed") {
  for (const TestBackend& machine : test_backends()) {
    for (const Case& c : cases()) {
      if (!c.given.empty()) continue;
      const std::string where = c.str() + " on " + machine.backend.name();
      CAPTURE(where);
      List logits(c.shape(3).size(), 0.5);
      logits[1] = std::nan("");
      const Labels labels = make_labels(machine.backend, {0, 1, 1}, 1, DType::f64);
      Loss loss = c.loss();
      loss.train(true);
      CHECK(std::isnan(loss(Var(Tensor::from(machine.backend, c.shape(3), logits), true), labels).value().item()));
    }
  }
}

TEST_CASE("losses: mixed samples") {
  Backend& b = guarded_cpu();
  for (const Case& c : cases()) {
    if (!c.given.empty()) continue;
    CAPTURE(c.str());
    const Labels one = make_labels(b, {0, 1, 1, 0}, 1, DType::f64), other = make_labels(b, {1, 1, 0, 0}, 1, DType::f64);
    const Var z = leaves({{c.shape(4), Input::normal, 2}}, b, DType::f64)[0];
    Loss loss = c.loss();
    if (c.info->is(LossInfo::stateful)) {
      CHECK(fails(ErrorKind::invalid_argument, {c.info->name, "mixed"}, [&] {
        loss.mixed(z, one, other, {1, 1, 1, 1});
      }));
      continue;
    }
    // Shares of 1 and 0, and equal labels, give the loss of samples that are not mixed.
    CHECK(deviation(values(loss.mixed(z, one, other, {1, 1, 1, 1})), values(loss(z, one))) < 1e-12);
    CHECK(deviation(values(loss.mixed(z, one, other, {0, 0, 0, 0})), values(loss(z, other))) < 1e-12);
    CHECK(deviation(values(loss.mixed(z, one, one, {0.3f, 0.5f, 0.2f, 1})), values(loss(z, one))) < 1e-7);
    if (c.info->is(LossInfo::batch_level)) continue;
    // With other shares the loss is the weighted sum.
    const double mixed = loss.mixed(z, one, other, {0.25f, 0.25f, 0.25f, 0.25f}).value().item();
    CHECK(mixed == doctest::Approx(0.25 * loss(z, one).value().item() + 0.75 * loss(z, other).value().item()));
  }
  // For cross-entropy mixing is the same as soft targets.
  const Var z = leaves({{{2, 3}, Input::normal, 2}}, b, DType::f64)[0];
  Loss loss(resolve("cross-entropy", LossInfo::logit_per_class));
  const Labels one = make_labels(b, {0, 1}, 1, DType::f64), other = make_labels(b, {2, 0}, 1, DType::f64);
  const Labels soft = make_soft_labels(b, std::vector<List>{{0.75, 0, 0.25}, {0.5, 0.5, 0}}, 1, DType::f64);
  CHECK(deviation(values(loss.mixed(z, one, other, {0.75f, 0.5f})), values(loss(z, soft))) < 1e-12);
}

TEST_CASE("losses: states can be saved and restored") {
  Backend& b = guarded_cpu();
  for (const Case& c : cases()) {
    if (!c.info->is(LossInfo::stateful)) continue;
    CAPTURE(c.str());
    const auto step = [&](Loss& loss, int i) {
      const Var z = leaves({{c.shape(6), Input::normal, double(1 + i)}}, b, DType::f64)[0];
      std::vector<int32_t> classes;
      for (int n = 0; n < 6; ++n) classes.push_back((n * (i + 1)) % static_cast<int>(c.classes()));
      const Var value = loss(z, make_labels(b, classes, 1, DType::f64));
      value.backward();
      List all = numbers(z.grad());
      all.push_back(value.value().item());
      return all;
    };
    Loss through = c.loss(), first = c.loss();
    through.train(true), first.train(true);
    for (int i = 0; i < 3; ++i) step(through, i), step(first, i);
    Loss second = c.loss();
    second.train(true);
    second.restore(parse_json(Json(first.state()).dump()).get<LossState>());  // as text in a file
    for (int i = 3; i < 6; ++i) CHECK(step(through, i) == step(second, i));
    // Outside of training the state stays the same.
    const LossState before = through.state();
    through.train(false);
    step(through, 9);
    for (const auto& [name, state] : before) CHECK(through.state().at(name) == state);
  }
  Loss plain(resolve("bce", LossInfo::one_logit));
  CHECK(fails(ErrorKind::bad_data, {"bce", "state"}, [&] { plain.restore({{"seen", {1, 2}}}); }));
}

TEST_CASE("losses: one class only, and classes without samples") {
  Backend& b = guarded_cpu();
  for (const Case& c : cases()) {
    if (!c.given.empty()) continue;
    CAPTURE(c.str());
    const Counts counts = c.classes() == 2 ? Counts{40, 0} : Counts{40, 7, 0};
    for (const int32_t label : {0, 1}) {
      LossOptions options;
      options.counts = counts;
      Loss loss = c.loss(options);
      loss.train(true);
      const Var z = leaves({{c.shape(5), Input::normal, 2}}, b, DType::f64)[0];
      const Var y = loss(z, make_labels(b, std::vector<int32_t>(5, label), 1, DType::f64));
      y.backward();
      CHECK(std::isfinite(y.value().item()));
      for (const double g : numbers(z.grad())) CHECK(std::isfinite(g));
    }
  }
}
