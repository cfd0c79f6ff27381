// Hyper-gradients: against PyTorch's double backward, and what is left behind.
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "losses/autobalance.h"
#include "losses/binary.h"
#include "losses/multiclass.h"
#include "optim/hyper_gradient.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/golden.h"

using namespace counterpoise;
using Json = nlohmann::json;

namespace {

// A run of hyper_gradient.json in a dtype.
struct Bilevel {
  Bilevel(const Json& run, Backend& backend, DType dtype) : run_(run), backend_(backend), dtype_(dtype) {
    const Index hidden = run["hidden"], outputs = run["outputs"], columns = run["columns"];
    const auto weight = [&](const char* name, const Shape& shape) {
      return Var(numbers(run["weights"][name], shape), true);
    };
    w1 = weight("w1", {hidden, columns}), b1 = weight("b1", {hidden});
    w2 = weight("w2", {outputs, hidden}), b2 = weight("b2", {outputs});
    weights = {w1, b1, w2, b2};
    if (run["batch_norm"]) {
      scale = weight("scale", {hidden}), shift = weight("shift", {hidden});
      weights.push_back(scale), weights.push_back(shift);
    }
    const auto K = static_cast<Index>(run["delta"].size());
    delta = Var(numbers(run["delta"], {K}), true), l = Var(numbers(run["l"], {K}), true);
    for (int part = 0; part < 2; ++part) {
      labels[part] = make_labels(backend, run["y"][part].get<std::vector<int32_t>>(), 1, dtype);
      x[part] = numbers(run["x"][part], {labels[part].size(), columns});
    }
  }

  Tensor numbers(const Json& list, const Shape& shape) const {
    return Tensor::from(backend_, shape, list.get<std::vector<double>>()).cast(dtype_);
  }

  Var logits(const Tensor& inputs) const {
    Var h = linear(inputs, w1, b1);
    if (run_["batch_norm"]) {
      Tensor mean = Tensor::zeros(backend_, {h.shape()[1]}, dtype_), var = mean.clone();
      h = batch_norm(h, scale, shift, mean, var, /*training=*/true);
    }
    const Var z = linear(run_["activation"] == "tanh" ? tanh(h) : relu(h), w2, b2);
    return z.shape()[1] > 1 ? z : reshape(z, {z.shape()[0]});
  }
  void training() const { mean(autobalance(logits(x[0]), labels[0], delta, l)).backward(); }
  void validation() const {
    const auto by_class_weights = run_["class_weights"].get<std::vector<double>>();
    const Var z = logits(x[1]);
    const Var each = z.shape().rank() == 1 ? bce(z, labels[1].positive) : cross_entropy(z, labels[1]);
    const Var weights_of = by_class(z, labels[1], by_class_weights);
    (sum(each * weights_of) / sum(weights_of).value().item()).backward();
  }
  HyperGradient gradient(bool in_parts = false) const {
    HyperGradientOptions options;
    options.terms = run_["terms"], options.step = run_["step"];
    const auto halves = [&] {
      for (int i = 0; i < 2; ++i) (mean(autobalance(logits(x[0]), labels[0], delta, l)) / 2).backward();
    };
    const auto whole = [&] { training(); };
    return hyper_gradient(
        in_parts ? std::function<void()>(halves) : whole, [&] { validation(); }, weights, {delta, l}, options);
  }
  // The largest difference to PyTorch's, relative to its largest number.
  double error(const HyperGradient& g) const {
    double error = 0, size = 0;
    for (int i = 0; i < 2; ++i) {
      const auto expected = run_["hyper_gradient"][i ? "l" : "delta"].get<std::vector<double>>();
      const auto values = counterpoise::numbers(g.values[i]);
      REQUIRE(values.size() == expected.size());
      for (size_t k = 0; k < values.size(); ++k) {
        error = std::max(error, std::abs(values[k] - expected[k])), size = std::max(size, std::abs(expected[k]));
      }
    }
    return error / size;
  }

  const Json& run_;
  Backend& backend_;
  DType dtype_;
  Var w1, b1, w2, b2, scale, shift, delta, l;
  std::vector<Var> weights;
  Tensor x[2];
  Labels labels[2];
};

const Json& golden() { return read_golden("optim/golden/hyper_gradient.json"); }

}  // namespace

TEST_CASE("optim golden: hyper-gradients of AutoBalance are those of PyTorch's double backward") {
  const Json& runs = golden();
  for (const TestBackend& machine : test_backends()) {
    for (const Json& run : runs) {
      for (const DType dtype : {DType::f64, DType::f32}) {
        const std::string where = detail::text(run["name"], " in ", name(dtype), " on ", machine.backend.name());
        CAPTURE(where);
        const Bilevel bilevel(run, machine.backend, dtype);
        const HyperGradient g = bilevel.gradient();
        const double error = bilevel.error(g);
        CHECK(error < (dtype == DType::f64 ? 1e-8 : 1e-3));
        if (dtype == DType::f64) CHECK(g.curvature == doctest::Approx(run["curvature"].get<double>()).epsilon(1e-6));
        CHECK(g.step == run["step"].get<double>());  // the limit did not change it
      }
    }
  }
}

TEST_CASE("optim: a hyper-gradient leaves weights and gradients as they were, even after an error") {
  const Json& runs = golden();
  Backend& b = guarded_cpu();
  Bilevel bilevel(runs[1], b, DType::f32);
  std::vector<std::vector<double>> before;
  for (const Var& w : bilevel.weights) before.push_back(numbers(w.value()));
  const auto same = [&] {
    bool same = true;
    for (size_t i = 0; i < before.size(); ++i) {
      same = same && numbers(bilevel.weights[i].value()) == before[i] && !bilevel.weights[i].grad().defined();
    }
    return same && !bilevel.delta.grad().defined() && !bilevel.l.grad().defined();
  };
  const HyperGradient g = bilevel.gradient();
  CHECK(same());
  // The loss in parts has the same gradient.
  const HyperGradient parts = bilevel.gradient(/*in_parts=*/true);
  CHECK(deviation(numbers(parts.values[1]), numbers(g.values[1])) < 1e-4);
  CHECK(same());
  int calls = 0;
  const auto fails_late = [&] {
    CP_ENSURE(++calls < 4, "the fourth call");
    bilevel.training();
  };
  CHECK(
      contains(error_of([&] {
                 hyper_gradient(fails_late, [&] { bilevel.validation(); }, bilevel.weights, {bilevel.delta, bilevel.l});
               }),
               "the fourth call"));
  CHECK(same());
  const auto not_finite = [&] { (sum(bilevel.l) * INFINITY + sum(bilevel.b2) * INFINITY).backward(); };
  CHECK(contains(
      error_of(
          [&] {
            hyper_gradient(not_finite, [&] { bilevel.validation(); }, bilevel.weights, {bilevel.delta, bilevel.l});
          },
          ErrorKind::diverged),
      "not finite"));
  CHECK(same());
  set_gradients({bilevel.delta, bilevel.l}, g);
  CHECK(numbers(bilevel.l.grad()) == numbers(g.values[1]));
  CHECK(contains(error_of([&] { set_gradients({bilevel.l}, g); }), "hyper-parameters"));
  CHECK(contains(error_of([&] {
                   hyper_gradient([&] { bilevel.training(); }, [&] { bilevel.validation(); }, {Var(bilevel.x[0])},
                                  {bilevel.l});
                 }),
                 "requires no gradient"));
  CHECK(contains(error_of([&] {
                   hyper_gradient([&] { bilevel.training(); }, [&] { sum(bilevel.l).backward(); }, bilevel.weights,
                                  {bilevel.l});
                 }),
                 "no gradient"));
}

TEST_CASE("optim: a hyper-gradient of a quadratic problem is exact, and the limit of the step keeps it finite") {
  // L_train = sum c_i (w_i - alpha_i)^2 / 2 and L_val = sum (w_i - t_i)^2 / 2 + sum alpha_i^2 / 2 at w = alpha: the
  // hyper-gradient is w - t + alpha, because w* is alpha.
  Backend& b = guarded_cpu();
  const Tensor c = Tensor::from<double>(b, {3}, {0.5, 1, 40}), t = Tensor::from<double>(b, {3}, {3, -1, 0.5});
  const Var w(Tensor::from<double>(b, {3}, {1, 2, 3}), true), alpha(Tensor::from<double>(b, {3}, {1, 2, 3}), true);
  const auto training = [&] { (sum(Var(c) * square(w - alpha)) / 2).backward(); };
  const auto validation = [&] { ((sum(square(w - t)) + sum(square(alpha))) / 2).backward(); };
  const std::vector<double> exact = {1 - 3 + 1, 2 + 1 + 2, 3 - 0.5 + 3};
  HyperGradientOptions options;
  options.terms = 3000, options.step = 0.01;
  const HyperGradient small = hyper_gradient(training, validation, {w}, {alpha}, options);
  CHECK(deviation(numbers(small.values[0]), exact) < 1e-5);
  CHECK(small.step == 0.01);
  CHECK(small.curvature <= 40 + 1e-5);
  options.terms = 60, options.step = 1;
  options.limit_step = false;
  const double wild = numbers(hyper_gradient(training, validation, {w}, {alpha}, options).values[0])[2];
  CHECK(std::abs(wild) > 1e50);  // (1 - 40)^60
  options.limit_step = true, options.terms = 3000;
  const HyperGradient limited = hyper_gradient(training, validation, {w}, {alpha}, options);
  CHECK(limited.step == doctest::Approx(1 / limited.curvature));
  CHECK(limited.curvature > 10);
  CHECK(deviation(numbers(limited.values[0]), exact) < 1e-5);
}
