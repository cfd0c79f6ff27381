// Optimizers on a bowl, schedules of the learning rate, and an average of weights.
#include <cmath>
#include <functional>

#include "apps/figures/figures.h"
#include "apps/plots/plot.h"
#include "core/ops.h"
#include "core/random.h"
#include "optim/ema.h"
#include "optim/optimizer.h"
#include "optim/plateau.h"
#include "optim/schedule.h"

namespace counterpoise {

namespace {

// A bowl that is 25 times as steep across as along.
constexpr double steepness = 25;
Var bowl(const Var& w) {
  const Tensor curvature = Tensor::from<double>(cpu_backend(), {2}, {1, steepness});
  return sum(square(w) * Var(curvature)) / 2.;
}

struct Walk {
  std::vector<double> a, b, loss;
};
Walk walk(const std::string& optimizer, const OptimizerParams& params, int steps) {
  Var w(Tensor::from<double>(cpu_backend(), {2}, {-4, 1.2}), /*requires_grad=*/true);
  Optimizer by = make_optimizer(optimizer, {w}, params);
  Walk path;
  for (int step = 0; step <= steps; ++step) {
    const Var loss = bowl(w);
    const std::vector<double> at = w.value().to_vector<double>();
    path.a.push_back(at[0]), path.b.push_back(at[1]), path.loss.push_back(loss.value().item());
    loss.backward();
    by.step();
  }
  return path;
}

Figure paths_figure() {
  struct Row {
    const char *name, *optimizer;
    OptimizerParams params;
  };
  const std::vector<Row> rows = {
      {"sgd, lr 0.07", "sgd", {{"lr", 0.07}}},
      {"momentum 0.8, lr 0.03", "sgd", {{"lr", 0.03}, {"momentum", 0.8}}},
      {"Nesterov's 0.8, lr 0.03", "sgd", {{"lr", 0.03}, {"momentum", 0.8}, {"nesterov", 1}}},
      {"adam, lr 0.3", "adam", {{"lr", 0.3}}},
  };
  Plot map = {"Forty steps over the bowl", "a", "b"};
  map.surface =
      Surface::of([](double a, double b) { return std::sqrt((a * a + steepness * b * b) / 2); }, -4.5, 1.5, -1.5, 1.5);
  map.surface.contours = {0.5, 1, 1.5, 2, 2.5, 3, 4, 5};
  Plot losses = {"The loss after each step", "step", "loss"};
  losses.log_y = true;
  for (const Row& row : rows) {
    const Walk path = walk(row.optimizer, row.params, 40);
    map.lines.push_back({row.name, path.a, path.b});
    Plot::Line line = {row.name, {}, {}};
    for (size_t step = 0; step < path.loss.size(); ++step) {
      line.x.push_back(static_cast<double>(step)), line.y.push_back(std::max(path.loss[step], 1e-9));
    }
    losses.lines.push_back(line);
  }
  return {"optim/figures/paths.svg", svg("Four optimizers on the bowl (a\u00b2 + 25 b\u00b2) / 2", {map, losses})};
}

Plot::Line rates(const char* name, double epochs, const std::function<double(double)>& rate) {
  Plot::Line line = {name, {}, {}};
  // Where a rate jumps, two points lie above each other.
  for (int i = 0; i <= 20 * epochs; ++i) {
    for (const double at : {i / 20. - 1e-6, i / 20.}) {
      if (at < 0) continue;
      line.x.push_back(at), line.y.push_back(rate(at));
    }
  }
  // Points on straight lines between others are not needed.
  Plot::Line shorter = {name, {line.x[0]}, {line.y[0]}};
  for (size_t i = 1; i + 1 < line.x.size(); ++i) {
    const double before = (line.y[i] - shorter.y.back()) * (line.x[i + 1] - line.x[i]);
    const double after = (line.y[i + 1] - line.y[i]) * (line.x[i] - shorter.x.back());
    if (std::fabs(before - after) > 1e-9) shorter.x.push_back(line.x[i]), shorter.y.push_back(line.y[i]);
  }
  shorter.x.push_back(line.x.back()), shorter.y.push_back(line.y.back());
  return shorter;
}

Figure schedules_figure() {
  constexpr double epochs = 10;
  Plot plain = {"lr 0.1 over 10 epochs, a warm-up of 1", "epoch", "learning rate"};
  const std::vector<std::pair<const char*, Schedule::Kind>> kinds = {
      {"constant", Schedule::constant},
      {"step: every 3, \u00d7 0.5", Schedule::step},
      {"multistep: at 6 and 9, \u00d7 0.5", Schedule::multistep},
      {"cosine", Schedule::cosine},
  };
  for (const auto& [name, kind] : kinds) {
    Schedule schedule;
    schedule.kind = kind, schedule.lr = 0.1, schedule.warmup = 1, schedule.step_every = 3, schedule.step_gamma = 0.5;
    schedule.milestones = {6, 9};
    plain.lines.push_back(rates(name, epochs, [&](double epoch) { return schedule.at(epoch, epochs); }));
    plain.lines.back().dashed = kind == Schedule::step;
  }
  // A metric that improves more and more slowly, and not at all in epochs 5 to 8.
  Plot waiting = {"plateau: patience 2, \u00d7 0.5", "epoch", "metric (dots), factor of the rate (line)"};
  PlateauOptions options;
  options.patience = 2, options.factor = 0.5;
  Plateau plateau(options);
  Plot::Line metric = {"", {}, {}, false, /*points=*/true, 6}, rate = {"", {}, {}, false, false, 4};
  int epoch = 0;
  for (const double value : {0.50, 0.62, 0.68, 0.71, 0.71, 0.70, 0.71, 0.76, 0.78, 0.78, 0.77, 0.78}) {
    rate.x.push_back(epoch), rate.y.push_back(plateau.scale());
    rate.x.push_back(++epoch), rate.y.push_back(plateau.scale());
    metric.x.push_back(epoch), metric.y.push_back(value);
    plateau.update(value);
  }
  waiting.lines = {metric, rate};
  return {"optim/figures/schedules.svg",
          svg("Schedules: the learning rate while a network is trained", {plain, waiting})};
}

// Stochastic gradients of w^2 / 2: the true one and noise.
Figure ema_figure() {
  Random rng(5, Stream::test);
  Var w(Tensor::full(cpu_backend(), {1}, 3, DType::f64), true);
  Sgd optimizer({w}, 0.2);
  Ema average({w}, /*decay=*/0.98);
  Plot plot = {"", "step", "weight"};
  plot.lines = {{"the weight", {}, {}, false, false, 5}, {"its average, decay 0.98", {}, {}, false, false, 1}};
  for (int step = 0; step <= 600; ++step) {
    const double values[] = {w.value().item(), average.averages()[0].item()};
    for (size_t i = 0; i < 2; ++i) plot.lines[i].x.push_back(step), plot.lines[i].y.push_back(values[i]);
    sum(square(w) / 2. + w * double(rng.normal())).backward();
    optimizer.step();
    average.update();
  }
  return {"optim/figures/ema.svg", svg("A weight that noise keeps away from its optimum 0, and its average", {plot})};
}

}  // namespace

Figures optim_figures() { return {paths_figure(), schedules_figure(), ema_figure()}; }

}  // namespace counterpoise
