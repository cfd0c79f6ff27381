// Log-odds, and what the losses of one probability do with them.
#include <cmath>
#include <functional>

#include "apps/figures/losses_figures.h"
#include "apps/plots/plot.h"
#include "core/ops.h"
#include "losses/binary.h"
#include "losses/metrics/posthoc.h"
#include "losses/multiclass.h"
#include "losses/true_class.h"

namespace counterpoise {

namespace {

// A loss of the logits x, one for each: its values, and the sizes of its gradients.
struct Curve {
  std::vector<double> values, slopes;
};
Curve curve(const std::vector<double>& x, const std::function<Var(const Var&)>& loss) {
  Var logits(Tensor::from<double>(cpu_backend(), {static_cast<Index>(x.size())}, x), true);
  const Var y = loss(logits);
  sum(y).backward();
  Curve result = {y.value().to_vector<double>(), logits.grad().to_vector<double>()};
  for (double& slope : result.slopes) slope = std::fabs(slope);
  return result;
}

}  // namespace

Figure log_odds_figure() {
  const std::vector<double> z = spaced(-5, 5, 100);
  Plot chances = {"The probability", "log-odds z", "probability"};
  Plot losses = {"The cross-entropy of a sample", "log-odds z", "loss"};
  for (const bool cat : {true, false}) {
    const Tensor y = Tensor::full(cpu_backend(), {static_cast<Index>(z.size())}, cat, DType::f64);
    std::vector<double> p;
    for (const double at : z) p.push_back(probability(cat ? at : -at));
    chances.lines.push_back(
        {cat ? "cat: p = sigmoid(z), \u2212log p" : "dog: 1 \u2212 p, \u2212log(1 \u2212 p)", z, p});
    losses.lines.push_back({"", z, curve(z, [&](const Var& x) { return bce(x, y); }).values});
  }
  for (const auto& [name, share] : {std::pair<const char*, double>{"1 cat to 11 dogs", 1. / 12},
                                    {"1 to 1", 1. / 2},
                                    {"11 cats to 1 dog", 11. / 12}}) {
    chances.lines.push_back({name, {logit(share)}, {share}, false, /*points=*/true});
  }
  return {"losses/figures/log_odds.svg", svg("Log-odds, probabilities and cross-entropy", {chances, losses})};
}

Figure loss_shapes_figure() {
  struct Row {
    const char* name;
    std::function<Var(const Var&)> loss;
  };
  const Tensor y = Tensor::full(cpu_backend(), {101}, 1, DType::f64);
  const std::vector<Row> rows = {
      {"cross-entropy", [&](const Var& x) { return bce(x, y); }},
      {"focal, \u03b3 = 2", [](const Var& x) { return focal(x, 2); }},
      {"poly1, \u03b5 = 1", [](const Var& x) { return poly1(x, 1); }},
      {"gce, q = 0.7", [](const Var& x) { return generalized_cross_entropy(x, 0.7); }},
      {"sce, \u03b1 = 0.1, \u03b2 = 1", [](const Var& x) { return symmetric_cross_entropy(x, 0.1, 1); }},
      {"hinge, margin 1", [](const Var& x) { return relu(1 - x); }},
  };
  const std::vector<double> x = spaced(-5, 5, 100);
  Plot values = {"The loss", "logit x of the true class", "loss"};
  Plot slopes = {"The size of its gradient", "logit x of the true class", "|dL / dx|"};
  for (const Row& row : rows) {
    const Curve y = curve(x, row.loss);
    values.lines.push_back({row.name, x, y.values});
    slopes.lines.push_back({row.name, x, y.slopes});
  }
  return {"losses/figures/shapes.svg",
          svg("Losses of the true class's logit: wrong on the left, right on the right", {values, slopes})};
}

}  // namespace counterpoise
