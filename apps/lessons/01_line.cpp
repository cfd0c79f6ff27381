// Lesson 1: a line through four houses. A model, a loss, and gradient descent.
//
// The text beside this program is 01_line.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// The lecture's houses: their areas and their prices.
const std::vector<double> area = {6.7, 4.6, 3.5, 5.5}, price = {9.1, 5.9, 4.6, 6.7};
const double N = 4;

// The model: a house of area x costs a x + b.
struct Line {
  double a = 0, b = 0;
  double operator()(double x) const { return a * x + b; }
};

// How wrong a line is: the mean of the squared errors.
double loss(const Line& line) {
  double sum = 0;
  for (size_t i = 0; i < area.size(); ++i) sum += std::pow(line(area[i]) - price[i], 2);
  return sum / N;
}

// The derivatives of the loss with respect to a and b. The chain rule: d(error²) = 2 error d(error), and the error is
// a x + b - y.
Line gradient(const Line& line) {
  Line g;
  for (size_t i = 0; i < area.size(); ++i) {
    const double error = line(area[i]) - price[i];
    g.a += 2 * error * area[i] / N;
    g.b += 2 * error / N;
  }
  return g;
}

// Goes downhill, against the gradient, and remembers where it was.
std::vector<Line> descend(double learning_rate, int steps) {
  std::vector<Line> path = {Line()};
  for (int step = 0; step < steps; ++step) {
    const Line here = path.back(), g = gradient(here);
    path.push_back({here.a - learning_rate * g.a, here.b - learning_rate * g.b});
  }
  return path;
}

// The larger and the smaller eigenvalue of the matrix of second derivatives, 2/N [Σ x², Σ x; Σ x, N].
std::pair<double, double> curvatures() {
  double p = 0, q = 0;
  for (const double x : area) p += 2 * x * x / N, q += 2 * x / N;
  const double middle = (p + 2) / 2, half = std::sqrt((p - 2) * (p - 2) / 4 + q * q);
  return {middle + half, middle - half};
}

int main(int argc, char** argv) {
  std::printf("A line that knows nothing, 0 x + 0, has the loss %.4f.\n\n", loss(Line()));

  const std::vector<Line> path = descend(0.03, 5000);
  for (const size_t step : {1, 10, 100, 1000, 5000}) {
    std::printf("step %4zu: price = %.6f area %+.6f   loss %.7f\n", step, path[step].a, path[step].b, loss(path[step]));
  }
  const Line best = path.back();
  for (size_t i = 0; i < area.size(); ++i) std::printf("area %.1f: %.4f, was %.1f\n", area[i], best(area[i]), price[i]);

  const auto [steep, flat] = curvatures();
  std::printf("\nThe bowl is %.0f times as steep across as along: curvatures %.4f and %.4f.\n", steep / flat, steep,
              flat);
  std::printf("So the largest learning rate is 2 / %.4f = %.5f:\n", steep, 2 / steep);
  for (const double rate : {0.99 * 2 / steep, 1.01 * 2 / steep}) {
    std::printf("  with %.5f the loss after 2000 steps is %.4g\n", rate, loss(descend(rate, 2000).back()));
  }

  // The same gradient by the library: two variables, the loss as a formula of them, and backward().
  const Tensor x = Tensor::from<double>(cpu_backend(), {4, 1}, area),
               y = Tensor::from<double>(cpu_backend(), {4, 1}, price);
  Var a(Tensor::zeros(cpu_backend(), {1, 1}, DType::f64), true),
      b(Tensor::zeros(cpu_backend(), {1, 1}, DType::f64), true);
  mean(pow(Var(x) * a + b - Var(y), 2)).backward();
  const Line by_hand = gradient(Line());
  std::printf("\nThe gradient at 0 x + 0: by hand %.4f, %.4f; by backward() %.4f, %.4f\n", by_hand.a, by_hand.b,
              a.grad().item(), b.grad().item());

  Plot houses = {"Four houses", "area", "price"};
  houses.lines = {points("houses", area, price), line("0 x + 0", {3, 7}, {0, 0}),
                  line("after 1 step", {3, 7}, {path[1](3), path[1](7)}),
                  line("after 5000 steps", {3, 7}, {best(3), best(7)})};
  // Heights are logarithms here: the contours of the loss itself would crowd at the rim of the bowl.
  Plot bowl = {"The loss of every line, and ten steps", "a", "b"};
  bowl.surface = Surface::of([](double a, double b) { return std::log10(loss({a, b})); }, -0.2, 2.4, -1, 1, 51);
  bowl.surface.contours = {-0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5};
  bowl.surface.low = -4.25, bowl.surface.high = 3.75;  // (pale colors, so that the steps are seen on them)
  Plot speed = {"The loss while it falls", "step", "loss"};
  speed.log_y = true;
  for (const double rate : {0.003, 0.03, 0.0352, 0.036}) {
    Plot::Line track = points("", {}, {}), losses = line("learning rate " + std::to_string(rate).substr(0, 6), {}, {});
    for (const Line& at : descend(rate, 100)) {
      if (track.x.size() <= 10) track.x.push_back(at.a), track.y.push_back(at.b);
      losses.x.push_back(static_cast<double>(losses.x.size())), losses.y.push_back(loss(at));
    }
    track.color = static_cast<int>(speed.lines.size());
    if (rate < 0.035) bowl.lines.push_back(track);
    speed.lines.push_back(losses);
  }
  bowl.lines.push_back(points("the lowest point", {best.a}, {best.b}));
  speed.lines.push_back(points("the lowest point", {}, {}));  // for the legend
  bowl.lines.back().color = 4;
  const Folder folder(argc, argv);
  folder.write("01_line.svg", svg("A line through four houses", {houses}));
  folder.write("01_bowl.svg", svg("Gradient descent, with four learning rates", {bowl, speed}));
}
