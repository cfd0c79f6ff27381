// Lesson 11: designing a function. A loss for many easy samples and a few hard ones, made of two factors.
//
// The text beside this program is 11_focal.md.
#include <counterpoise/counterpoise.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// Of the probability p that a model gives to the true class: binary cross-entropy, the factor, and their product.
double cross_entropy(double p) { return -std::log(p); }
double factor(double p, double gamma) { return std::pow(1 - p, gamma); }
double focal_loss(double p, double gamma) { return factor(p, gamma) * cross_entropy(p); }
// The absolute value of its derivative with respect to the logit.
double pull(double p, double gamma) { return factor(p, gamma) * (gamma * p * cross_entropy(p) + 1 - p); }

// The p that makes the expected loss smallest if a fraction q of such samples is positive: where both classes pull
// equally hard.
double best_p(double q, double gamma) {
  double low = 0, high = 1;
  for (int i = 0; i < 60; ++i) {
    const double p = (low + high) / 2;
    (q * pull(p, gamma) > (1 - q) * pull(1 - p, gamma) ? low : high) = p;
  }
  return low;
}

// Nine samples of class 1 and one of class 0, with the outputs (probabilities of class 1) of a model.
struct Context {
  const char* name;
  std::vector<double> ones;
  double zero;
};
const std::vector<Context> contexts = {
    {"1 begins (ours)", std::vector<double>(9, 0.5), 0.5},
    {"2 after a while (ours)", {0.6, 0.6, 0.7, 0.7, 0.7, 0.7, 0.7, 0.8, 0.8}, 0.6},
    {"3 special (ours)", std::vector<double>(9, 0.9), 0.6},
    {"4 more severe (slides)", {0.7, 0.7, 0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 0.9}, 0.7},
};
double sum(const std::vector<double>& p, double gamma) {
  double all = 0;
  for (const double one : p) all += focal_loss(one, gamma);
  return all;
}

// The tables of the slide, which are those of the paper: average precision of object detection, in percent.
struct Row {
  double gamma, alpha, ap, ap50, ap75;
};
const std::vector<Row> by_alpha = {{0, .10, 0.0, 0.0, 0.0},    {0, .25, 10.8, 16.0, 11.7}, {0, .50, 30.2, 46.7, 32.8},
                                   {0, .75, 31.1, 49.4, 33.0}, {0, .90, 30.8, 49.7, 32.3}, {0, .99, 28.7, 47.4, 29.9},
                                   {0, .999, 25.1, 41.7, 26.1}};
const std::vector<Row> by_gamma = {{0, .75, 31.1, 49.4, 33.0},   {0.1, .75, 31.4, 49.9, 33.1},
                                   {0.2, .75, 31.9, 50.7, 33.4}, {0.5, .50, 32.9, 51.7, 35.2},
                                   {1.0, .25, 33.7, 52.0, 36.2}, {2.0, .25, 34.0, 52.5, 36.5},
                                   {5.0, .25, 32.2, 49.6, 34.8}};

Plot::Line curve(const std::string& name, const std::function<double(double)>& f, double from, double to) {
  Plot::Line all = line(name, {}, {});
  for (int i = 0; i <= 80; ++i) all.x.push_back(from + (to - from) * i / 80), all.y.push_back(f(all.x.back()));
  return all;
}

int main(int argc, char** argv) {
  std::printf("context                  gamma 0: y = 1   y = 0    gamma 2: y = 1   y = 0\n");
  for (const Context& c : contexts) {
    std::printf("%-24s          %.3f   %.3f             %.3f   %.3f\n", c.name, sum(c.ones, 0),
                focal_loss(1 - c.zero, 0), sum(c.ones, 2), focal_loss(1 - c.zero, 2));
  }
  const Context& severe = contexts.back();
  const char* slides[] = {"2.039", "0.458", "0.111", "0.028", "0.007"};
  std::printf("\ngamma   nine of y = 1   on the slides   one of y = 0\n");
  for (int gamma = 0; gamma <= 4; ++gamma) {
    std::printf("%5d         %.5f           %s        %.5f\n", gamma, sum(severe.ones, gamma), slides[gamma],
                focal_loss(1 - severe.zero, gamma));
  }
  std::printf("\n100000 easy samples (p 0.9) : 100 hard ones (p 0.1)\n");
  for (const double gamma : {0., 1., 2.}) {
    const double easy = 1e5 * focal_loss(0.9, gamma), hard = 100 * focal_loss(0.1, gamma);
    std::printf("gamma %.0f   %9.2f : %6.2f = %.3f\n", gamma, easy, hard, easy / hard);
  }
  std::printf("\nIf a fraction q is positive, the best output is\n   q    gamma 0   gamma 2\n");
  for (const double q : {0.05, 0.2, 0.4, 0.5, 0.8})
    std::printf("%.2f      %.3f     %.3f\n", q, best_p(q, 0), best_p(q, 2));

  for (const auto* table : {&by_alpha, &by_gamma}) {
    const auto best =
        std::max_element(table->begin(), table->end(), [](const Row& a, const Row& b) { return a.ap < b.ap; });
    std::printf("\ngamma  alpha    AP  AP50  AP75\n");
    for (const Row& r : *table) {
      std::printf("  %.1f  %5.3f  %4.1f  %4.1f  %4.1f%s\n", r.gamma, r.alpha, r.ap, r.ap50, r.ap75,
                  &r == &*best ? "  best" : "");
    }
  }

  // The library's loss takes logits, and is finite for all.
  Loss loss("focal", {{"gamma", 2}, {"alpha", 0.25}});
  std::printf("\n     z   y      loss        derivative\n");
  for (const auto& [z, y] : {std::pair<double, int>{-1, 0}, {-1, 1}, {2, 1}, {-1e4, 0}, {-1e4, 1}}) {
    const Var logit(Tensor::full(cpu_backend(), {1}, z, DType::f64), true);
    const Var value = loss(logit, {y});
    value.backward();
    std::printf("%6.0f   %d   %10.6f   %10.6f\n", z, y, value.value().item(), logit.grad().item() + 0.0);
  }

  Plot a = {"(a) y = 0", "output ŷ", "loss, factor"}, b = {"(b) y = 1", "output ŷ", "loss, factor"};
  a.lines = {curve(
                 "cross-entropy", [](double y) { return cross_entropy(1 - y); }, 0, 0.95),
             curve(
                 "the factor k, gamma 2", [](double y) { return factor(1 - y, 2); }, 0, 1),
             curve(
                 "their product", [](double y) { return focal_loss(1 - y, 2); }, 0, 0.95)};
  b.lines = {curve(
                 "cross-entropy", [](double y) { return cross_entropy(y); }, 0.05, 1),
             curve(
                 "the factor k, gamma 2", [](double y) { return factor(y, 2); }, 0, 1),
             curve(
                 "their product", [](double y) { return focal_loss(y, 2); }, 0.05, 1)};
  Plot values = {"Loss", "p, probability of the true class", "loss"},
       slopes = {"Its derivative, absolute", "p, probability of the true class", "derivative"},
       sums = {"Nine easy, one hard", "gamma", "sum of the losses"},
       crowds = {"100000 easy, 100 hard", "gamma", "sum of the losses"};
  for (const double gamma : {0., 0.5, 1., 2., 4.}) {
    const std::string name = "gamma " + std::to_string(gamma).substr(0, gamma == 0.5 ? 3 : 1);
    values.lines.push_back(curve(
        name, [&](double p) { return focal_loss(p, gamma); }, 0.05, 1));
    slopes.lines.push_back(curve(
        name, [&](double p) { return pull(p, gamma); }, 0.001, 1));
  }
  sums.log_y = crowds.log_y = true;
  sums.lines = {curve(
                    "easy", [&](double gamma) { return sum(severe.ones, gamma); }, 0, 5),
                curve(
                    "hard", [&](double gamma) { return focal_loss(1 - severe.zero, gamma); }, 0, 5)};
  crowds.lines = {curve(
                      "easy", [](double gamma) { return 1e5 * focal_loss(0.9, gamma); }, 0, 5),
                  curve(
                      "hard", [](double gamma) { return 100 * focal_loss(0.1, gamma); }, 0, 5)};
  const Folder folder(argc, argv);
  folder.write("11_design.svg", svg("Designing a function: a loss, a factor, and their product", {a, b}));
  folder.write("11_focal.svg", svg("The focal loss", {values, slopes}));
  folder.write("11_sums.svg", svg("Easy samples against hard ones", {sums, crowds}));
}
