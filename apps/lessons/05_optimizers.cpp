// Lesson 5: optimizers. The valley of lesson 1, and four ways down.
//
// The text beside this program is 05_optimizers.md.
#include <counterpoise/counterpoise.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <memory>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

using Vector = std::array<double, 2>;  // the weights (a, b), or a gradient

// A loss with the second derivatives [p q; q r] and its lowest point at `best`, such as that of lesson 1.
struct Bowl {
  double p, q, r;
  Vector best;

  Vector gradient(const Vector& w) const {
    const double da = w[0] - best[0], db = w[1] - best[1];
    return {p * da + q * db, q * da + r * db};
  }
  double excess(const Vector& w) const {  // above the lowest loss
    const Vector g = gradient(w);
    return ((w[0] - best[0]) * g[0] + (w[1] - best[1]) * g[1]) / 2;
  }
  // The largest and the smallest curvature: the eigenvalues.
  Vector curvatures() const {
    const double middle = (p + r) / 2, half = std::hypot((p - r) / 2, q);
    return {middle + half, middle - half};
  }
  // The same bowl, rotated so that its valley lies along the second axis.
  Bowl straightened() const {
    const double angle = std::atan2(2 * q, p - r) / 2, c = std::cos(angle), s = std::sin(angle);
    return {curvatures()[0], 0, curvatures()[1], {c * best[0] + s * best[1], c * best[1] - s * best[0]}};
  }
};

// The bowl of lesson 1's lines, from the areas and prices of the houses.
Bowl bowl_of(const std::vector<double>& x, const std::vector<double>& y) {
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  const double n = static_cast<double>(x.size());
  for (size_t i = 0; i < x.size(); ++i) sx += x[i], sy += y[i], sxx += x[i] * x[i], sxy += x[i] * y[i];
  const double a = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  return {2 * sxx / n, 2 * sx / n, 2, {a, (sy - a * sx) / n}};
}

// An optimizer changes the weights by their gradient. It may remember what it saw.
using Step = std::function<void(Vector& w, const Vector& g)>;

Step gradient_descent(double lr) {
  return [=](Vector& w, const Vector& g) {
    for (const int i : {0, 1}) w[i] -= lr * g[i];
  };
}
Step momentum(double lr) {
  return [=, v = Vector{}](Vector& w, const Vector& g) mutable {
    for (const int i : {0, 1}) v[i] = 0.9 * v[i] + g[i], w[i] -= lr * v[i];
  };
}
Step rmsprop(double lr) {
  return [=, v = Vector{}](Vector& w, const Vector& g) mutable {
    for (const int i : {0, 1}) v[i] = 0.99 * v[i] + 0.01 * g[i] * g[i], w[i] -= lr * g[i] / (std::sqrt(v[i]) + 1e-8);
  };
}
// The library's Adam, whose weights are a tensor.
Step adam(double lr) {
  auto weights = std::make_shared<Var>(Tensor::zeros(cpu_backend(), {2}, DType::f64), true);
  auto optimizer = std::make_shared<Adam>(std::vector<Var>{*weights}, lr);
  return [=](Vector& w, const Vector& g) {
    weights->add_grad(Tensor::from<double>(cpu_backend(), {2}, {g[0], g[1]}));
    optimizer->step();
    weights->value().backend().download(weights->value(), w.data());
  };
}

std::vector<Vector> path(const Bowl& bowl, Step step, int steps) {
  std::vector<Vector> all = {{0, 0}};
  while (static_cast<int>(all.size()) <= steps) {
    all.push_back(all.back());
    step(all.back(), bowl.gradient(all.back()));
  }
  return all;
}

// How many steps it takes until the loss stays within 0.0001 of the lowest.
std::string steps_to_the_floor(const Bowl& bowl, const Step& step) {
  const std::vector<Vector> all = path(bowl, step, 2000);
  size_t steps = all.size();
  while (steps > 0 && bowl.excess(all[steps - 1]) < 1e-4) --steps;
  if (!(bowl.excess(all.back()) < bowl.excess(all[0]))) return "diverges";
  return steps == all.size() ? "-" : std::to_string(steps);
}

int main(int argc, char** argv) {
  const Bowl slanted = bowl_of({6.7, 4.6, 3.5, 5.5}, {9.1, 5.9, 4.6, 6.7});
  struct Method {
    std::string name;
    std::function<Step(double lr)> with;
    double lr;  // for the images
  };
  const std::vector<Method> methods = {{"momentum", momentum, 0.01},
                                       {"gradient descent", gradient_descent, 0.03},
                                       {"RMSprop", rmsprop, 0.03},
                                       {"Adam", adam, 0.1}};
  std::vector<Plot> maps, speeds;
  for (const Bowl& bowl : {slanted, slanted.straightened()}) {
    const std::string title = maps.empty() ? "the valley of lesson 1" : "the same valley, rotated";
    std::printf("%s: curvatures %.4f, %.4f\n  rate ", title.c_str(), bowl.curvatures()[0], bowl.curvatures()[1]);
    for (const Method& method : methods) std::printf("  %16s", method.name.c_str());
    for (const double lr : {0.003, 0.01, 0.03, 0.1, 0.3}) {
      std::printf("\n  %.3f", lr);
      for (const Method& method : methods) std::printf("  %16s", steps_to_the_floor(bowl, method.with(lr)).c_str());
    }
    std::printf("\n\n");
    Plot map = {title, "first weight", "second weight"};
    Plot speed = {title, "step", "loss above the lowest", {}, false, /*log_y=*/true};
    const auto log_excess = [&](double a, double b) { return std::log10(bowl.excess({a, b}) + 1e-9); };
    map.surface = Surface::of(log_excess, -0.3, 2.3, -1.2, 1.4, 39);
    map.surface.low = -4, map.surface.high = 4, map.surface.contours = {-1, -0.5, 0, 0.5, 1, 1.5};
    for (const Method& method : methods) {
      map.lines.push_back(line(method.name + ", " + std::to_string(method.lr).substr(0, 4), {}, {}));
      speed.lines.push_back(map.lines.back());
      Plot::Line &track = map.lines.back(), &height = speed.lines.back();
      for (const Vector& w : path(bowl, method.with(method.lr), 200)) {
        if (track.x.size() <= 60) track.x.push_back(w[0]), track.y.push_back(w[1]);
        height.x.push_back(static_cast<double>(height.x.size())), height.y.push_back(std::fmax(bowl.excess(w), 1e-6));
      }
    }
    map.lines[3].dashed = true;  // RMSprop is below it
    map.lines.push_back(points("the lowest point", {bowl.best[0]}, {bowl.best[1]}));
    maps.push_back(map), speeds.push_back(speed);
  }

  std::printf("Adam with the rate 1, in the valley of lesson 1: %s\n", steps_to_the_floor(slanted, adam(1)).c_str());

  // The same loss in another unit.
  const Bowl larger = {1000 * slanted.p, 1000 * slanted.q, 1000 * slanted.r, slanted.best};
  for (const int steps : {1, 10}) {
    const Vector w = path(slanted, adam(0.1), steps).back(), v = path(larger, adam(0.1), steps).back();
    std::printf("Adam, step %2d: %.4f, %.4f; of 1000 times the loss: %.4f, %.4f\n", steps, w[0], w[1], v[0], v[1]);
  }
  const Folder folder(argc, argv);
  folder.write("05_valleys.svg", svg("Sixty steps of four optimizers", maps));
  folder.write("05_speed.svg", svg("Two hundred steps of four optimizers", speeds));
}
