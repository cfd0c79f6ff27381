// Lesson 9: eleven dogs for each cat. What imbalanced data does to a classifier, and who pulls at it while it trains.
//
// The text beside this program is 09_imbalance.md.
#include <counterpoise/counterpoise.h>

#include <array>
#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// Two overlapping clouds in the plane: normal distributions around (0.8, 0.6), the cats, and (-0.8, -0.6), the dogs.
struct Data {
  std::vector<double> x1, x2;
  std::vector<int32_t> is_cat;
};
Data synthetic(int cats, int dogs) {
  Data d;
  for (int i = 0; i < cats + dogs; ++i) {
    Random rng(1, Stream::test, i < cats, static_cast<uint64_t>(i < cats ? i : i - cats));
    const double sign = i < cats ? 1 : -1;
    d.x1.push_back(0.8 * sign + rng.normal()), d.x2.push_back(0.6 * sign + rng.normal());
    d.is_cat.push_back(i < cats);
  }
  return d;
}

// Of each class, dogs first: the part of the loss, and the sum of the absolute gradients on the logits.
struct Shares {
  std::array<double, 2> loss = {}, gradient = {};
};

// Lesson 3's neuron with two inputs. Each sample's loss is multiplied by the weight of its class.
struct Neuron {
  double w1 = 0, w2 = 0, b = 0;

  // One step of gradient descent, with the learning rate 1. Returns what the classes contributed to it.
  Shares step(const Data& d, const std::vector<double>& weight) {
    Shares shares;
    Neuron g;
    const double N = static_cast<double>(d.is_cat.size());
    for (size_t n = 0; n < d.is_cat.size(); ++n) {
      const size_t c = static_cast<size_t>(d.is_cat[n]);
      const double z = w1 * d.x1[n] + w2 * d.x2[n] + b, p = 1 / (1 + std::exp(-z));
      const double error = weight[c] * (p - d.is_cat[n]) / N;  // the derivative with respect to z
      shares.loss[c] -= weight[c] * std::log(c == 1 ? p : 1 - p) / N;
      shares.gradient[c] += std::fabs(error);
      g.w1 += error * d.x1[n], g.w2 += error * d.x2[n], g.b += error;
    }
    w1 -= g.w1, w2 -= g.w2, b -= g.b;
    return shares;
  }

  // New samples are on the right side with these probabilities: no test set is needed, as the clouds are known.
  double recall() const { return normal((0.8 * w1 + 0.6 * w2 + b) / std::hypot(w1, w2)); }
  double specificity() const { return normal((0.8 * w1 + 0.6 * w2 - b) / std::hypot(w1, w2)); }
  static double normal(double x) { return std::erfc(-x / std::sqrt(2.)) / 2; }

  // How far from the middle the boundary crosses the way from the dogs' center to the cats'.
  double boundary() const { return -b / (0.8 * w1 + 0.6 * w2); }
};

int main(int argc, char** argv) {
  constexpr int dogs = 5500, steps = 3000;
  Plot tracks[2] = {{"Part of the loss", "step + 1", "L_c"}, {"Gradients on the logits", "step + 1", "G_c"}};
  std::vector<Plot> planes;
  std::string story;
  std::printf("dogs : cats  weights     boundary  recall  specificity  balanced acc.  accuracy  always \"dog\"\n");
  for (const int ratio : {1, 11, 100}) {
    const int cats = dogs / ratio;
    const Data data = synthetic(cats, dogs);
    const std::vector<double> balanced = balanced_weights({dogs, cats});  // N / (2 N_c)
    Plot plane = {std::to_string(ratio) + " : 1", "x1", "x2"};
    Plot::Line shown[2] = {points("dogs", {}, {}), points("cats", {}, {})};
    for (size_t n = 0; n < data.is_cat.size(); ++n) {
      const int number = static_cast<int>(n) - (data.is_cat[n] ? 0 : cats);
      if (number >= (data.is_cat[n] ? 110 / ratio : 110)) continue;
      Plot::Line& to = shown[data.is_cat[n]];
      to.x.push_back(data.x1[n]), to.y.push_back(data.x2[n]);
    }
    plane.lines = {shown[0], shown[1]};

    for (const bool weighted : {false, true}) {
      const std::string name = weighted ? "balanced" : "plain";
      Neuron neuron;
      Plot::Line lines[2][2];
      for (size_t c : {0, 1}) {
        lines[0][c] = line(name + (c ? ", cats" : ", dogs"), {}, {});
        lines[0][c].dashed = weighted && c == 1;
        lines[1][c] = lines[0][c];
      }
      for (int step = 0; step <= steps; ++step) {
        const Shares s = neuron.step(data, weighted ? balanced : std::vector<double>{1, 1});
        if (ratio != 11 || step > 400) continue;
        for (size_t c : {0, 1}) {
          lines[0][c].x.push_back(step + 1), lines[1][c].x.push_back(step + 1);
          lines[0][c].y.push_back(s.loss[c]), lines[1][c].y.push_back(s.gradient[c]);
        }
        for (const int shown_step : {0, 1, 5, 20, 400}) {
          char row[128];
          std::snprintf(row, sizeof row, "%-8s  step %3d   L %.4f %.4f   G %.4f %.4f, %.2f : 1\n", name.c_str(), step,
                        s.loss[0], s.loss[1], s.gradient[0], s.gradient[1], s.gradient[0] / s.gradient[1]);
          if (step == shown_step) story += row;
        }
      }
      const double share = 1 / (1. + ratio), recall = neuron.recall(), specificity = neuron.specificity();
      std::printf("%4d : 1      %-8s   %8.3f  %6.3f  %11.3f  %13.3f  %8.3f  %12.3f\n", ratio, name.c_str(),
                  neuron.boundary(), recall, specificity, (recall + specificity) / 2,
                  share * recall + (1 - share) * specificity, 1 - share);
      const auto x1 = [&](double x2) { return -(neuron.w2 * x2 + neuron.b) / neuron.w1; };  // where z = 0
      plane.lines.push_back(line(name, {x1(3), x1(-3)}, {3, -3}));
      plane.lines.back().dashed = weighted;
      if (ratio == 11) {
        for (size_t i : {0, 1}) tracks[i].lines.insert(tracks[i].lines.end(), lines[i], lines[i] + 2);
      }
    }
    planes.push_back(plane);
  }
  std::printf("In theory the boundary is at log(11) / 2 = %.3f and log(100) / 2 = %.3f\n", std::log(11) / 2,
              std::log(100) / 2);

  std::printf("\nWhat dogs and cats contribute, eleven to one:\n%s", story.c_str());

  // The same by the library, of one batch: eleven dogs and a cat, all with the logit 0.
  std::vector<int32_t> classes(12, 0);
  classes[11] = 1;
  for (const bool weighted : {false, true}) {
    LossOptions options;
    if (weighted) options.class_weights = balanced_weights({11, 1});
    Loss bce("bce", {}, options);
    const Var z(Tensor::zeros(cpu_backend(), {12}, DType::f64), true);
    bce(z, classes).backward();
    const std::vector<double> g = z.grad().to_vector<double>();
    std::printf("By the library, at the logit 0: dogs %.6f, cat %.6f, %.0f : 1\n", 11 * g[0], -g[11],
                -11 * g[0] / g[11]);
  }

  for (Plot& track : tracks) track.log_x = true;
  const Folder folder(argc, argv);
  folder.write("09_boundaries.svg", svg("Dogs to cats, and the boundary that is learned", planes));
  folder.write("09_shares.svg", svg("Where the training signal comes from, 11 dogs to 1 cat", {tracks[0], tracks[1]}));
}
