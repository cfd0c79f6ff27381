// Lesson 3: yes or no. A probability instead of a number, and the loss that goes with it.
//
// The text beside this program is 03_petals.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// The lecture's flowers: the lengths of their petals in cm, and whether they are flower B.
const std::vector<double> length = {1.4, 1, 1.5, 3, 3.8, 4.1}, is_b = {0, 0, 0, 1, 1, 1};

// The best line through points, as in lesson 1: there in 5000 steps, here by the formula for its lowest point.
struct Line {
  double a, b;
  double reaches_half() const { return (0.5 - b) / a; }
};
Line least_squares(const std::vector<double>& x, const std::vector<double>& y) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (size_t i = 0; i < x.size(); ++i) ++n, sx += x[i], sy += y[i], sxx += x[i] * x[i], sxy += x[i] * y[i];
  const double a = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  return {a, (sy - a * sx) / n};
}

// The new model: the probability of flower B.
double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

struct Neuron {
  double w = 0, b = 0;
  double operator()(double x) const { return sigmoid(w * x + b); }
};

// Binary cross-entropy: −log of the probability that the model gave to what was true; the mean over the flowers.
double loss(const Neuron& neuron) {
  double sum = 0;
  for (size_t i = 0; i < length.size(); ++i) {
    const double p = neuron(length[i]);
    sum -= is_b[i] == 1 ? std::log(p) : std::log(1 - p);
  }
  return sum / static_cast<double>(length.size());
}

// Its gradient is as short as that of lesson 1: the error p − y, times x.
Neuron gradient(const Neuron& neuron) {
  Neuron g;
  const double N = static_cast<double>(length.size());
  for (size_t i = 0; i < length.size(); ++i) {
    const double error = neuron(length[i]) - is_b[i];
    g.w += error * length[i] / N, g.b += error / N;
  }
  return g;
}

Plot::Line curve(const std::string& name, const std::function<double(double)>& f, double to) {
  Plot::Line all = line(name, {}, {});
  for (double x = 0; x <= to + 1e-9; x += to / 120) all.x.push_back(x), all.y.push_back(f(x));
  return all;
}

int main(int argc, char** argv) {
  // A line, first. Above one half we say flower B.
  const Line six = least_squares(length, is_b);
  std::vector<double> longer = length, labels = is_b;
  longer.push_back(15), labels.push_back(1);
  const Line seven = least_squares(longer, labels);
  std::printf("The line through six petals says flower B from %.3f cm on.\n", six.reaches_half());
  std::printf("With a seventh petal of 15 cm, from %.3f cm on: the flower of 3 cm is wrong now.\n\n",
              seven.reaches_half());

  Neuron neuron;
  std::vector<std::pair<int, Neuron>> frames;
  for (int step = 0; step <= 1000; ++step) {
    for (const int frame : {0, 1, 10, 100, 1000}) {
      if (step == frame) {
        frames.emplace_back(step, neuron);
        std::printf("step %4d: w %.5f  b %.5f  loss %.7f\n", step, neuron.w, neuron.b, loss(neuron));
      }
    }
    const Neuron g = gradient(neuron);
    neuron.w -= 0.5 * g.w, neuron.b -= 0.5 * g.b;
  }
  const Neuron trained = frames.back().second;
  for (const double x : length) std::printf("%.1f cm: flower B with the probability %.4f\n", x, trained(x));

  // The library's gradient of the same loss, at the same place.
  const Tensor x = Tensor::from<double>(cpu_backend(), {6}, length);
  const Var w(Tensor::full(cpu_backend(), {}, 1, DType::f64), true),
      b(Tensor::full(cpu_backend(), {}, -2, DType::f64), true);
  Loss bce("bce");
  bce(Var(x) * w + b, {0, 0, 0, 1, 1, 1}).backward();
  const Neuron ours = gradient({1, -2});
  std::printf("\nAt w = 1, b = -2 the gradient differs from backward()'s by %.1e and %.1e\n",
              std::fabs(ours.w - w.grad().item()), std::fabs(ours.b - b.grad().item()));

  Plot lines = {"Lines", "petal, cm", "flower B"};
  lines.lines = {points("flowers", longer, labels),
                 curve(
                     "through six", [&](double x) { return six.a * x + six.b; }, 15),
                 curve(
                     "with the seventh", [&](double x) { return seven.a * x + seven.b; }, 15),
                 line("one half", {0, 15}, {0.5, 0.5})};
  Plot sigmoids = {"Sigmoids", "petal, cm", "probability of flower B"};
  sigmoids.lines = {points("flowers", length, is_b)};
  for (const auto& [step, at] : frames) sigmoids.lines.push_back(curve("step " + std::to_string(step), at, 6));
  const Folder folder(argc, argv);
  folder.write("03_lines.svg", svg("A line is pulled aside by one long petal", {lines}));
  folder.write("03_petals.svg", svg("The probability of flower B while the neuron learns", {sigmoids}));
}
