// Lesson 12: from a score to a decision. Thresholds, costs, priors, and what a probability is worth.
//
// The text beside this program is 12_threshold.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// One feature: normal around 1 for cats, around -1 for dogs; eleven dogs for each cat.
constexpr int cats = 1000, dogs = 11000;
struct Data {
  std::vector<double> x;
  std::vector<bool> is_cat;
};
Data synthetic(uint64_t seed) {
  Random rng(seed, Stream::test);
  Data d;
  for (int i = 0; i < cats + dogs; ++i) {
    d.is_cat.push_back(i < cats), d.x.push_back((i < cats ? 1. : -1.) + rng.normal());
  }
  return d;
}

// A neuron, z = slope x + bias, trained by gradient descent on one of the library's losses.
struct Neuron {
  double slope, bias;
  std::vector<double> logits(const Data& d) const {
    std::vector<double> z;
    for (const double x : d.x) z.push_back(slope * x + bias);
    return z;
  }
};
Neuron train(const Data& d, Loss loss) {
  const Tensor x = Tensor::from<double>(cpu_backend(), {cats + dogs}, d.x);
  const Labels labels = make_labels(cpu_backend(), {d.is_cat.begin(), d.is_cat.end()}, 1, DType::f64);
  const Var slope(Tensor::zeros(cpu_backend(), {}, DType::f64), true), bias(slope.value().clone(), true);
  Sgd optimizer({slope, bias}, /*lr=*/2);
  for (int step = 0; step < 1500; ++step) {
    loss(Var(x) * slope + bias, labels).backward();
    optimizer.step();
  }
  return {slope.value().item(), bias.value().item()};
}

std::vector<double> probabilities(std::vector<double> z, double shift = 0, double temperature = 1) {
  for (double& logit : z) logit = probability((logit - shift) / temperature);
  return z;
}

// How far the fraction of cats is from the probability, the mean over the samples, in ten bins.
double gap(const std::vector<ReliabilityBin>& bins) {
  double sum = 0;
  for (const ReliabilityBin& b : bins)
    sum += double(b.samples) * std::fabs(b.frequency - b.probability) / (cats + dogs);
  return sum;
}

int main(int argc, char** argv) {
  const Data training = synthetic(1), held_out = synthetic(2), test = synthetic(3);
  LossOptions weight_11;
  weight_11.class_weights = {1, 11};
  const Neuron plain = train(training, Loss("bce")), weighted = train(training, Loss("bce", {}, weight_11)),
               focal = train(training, Loss("focal", {{"gamma", 2}, {"alpha", -1}}));
  const std::pair<const char*, Neuron> models[] = {{"plain", plain}, {"weight 11", weighted}, {"focal", focal}};
  std::printf("model        slope    bias   p = 1/2 at x   ROC AUC   average precision\n");
  for (const auto& [name, m] : models) {
    const std::vector<double> z = m.logits(test);
    std::printf("%-10s  %6.3f  %6.3f         %6.3f    %.4f              %.4f\n", name, m.slope, m.bias,
                -m.bias / m.slope, roc_auc(z, test.is_cat), average_precision(z, test.is_cat));
  }
  std::printf("The biases differ by %.3f; log 11 = %.3f\n", weighted.bias - plain.bias, std::log(11));

  // The threshold on the plain model's probability. The rules choose on samples that were held out.
  const std::vector<double> p = probabilities(plain.logits(test)), chosen_on = probabilities(plain.logits(held_out));
  const auto by = [&](const char* r) { return best_threshold(chosen_on, held_out.is_cat, parse_threshold_rule(r)); };
  const BestThreshold f1 = by("f1"), cheap = by("fn=11,fp=1"), found = by("recall=0.95");
  const std::pair<const char*, double> rules[] = {{"one half", 0.5},
                                                  {"1 / (1 + 11)", 1. / 12},
                                                  {"best for fn=11,fp=1", cheap.threshold},
                                                  {"best F1", f1.threshold},
                                                  {"recall 0.95", found.threshold}};
  Plot::Line roc_points = points("thresholds of the table", {}, {}), pr_points = roc_points;
  std::printf("\nrule                 threshold  recall  precision     F1   cost, 11 a miss\n");
  for (const auto& [name, threshold] : rules) {
    const Confusion c = confusion(p, test.is_cat, threshold);
    std::printf("%-20s    %.3f   %.3f      %.3f  %.3f             %.3f\n", name, threshold, c.recall(), c.precision(),
                c.f1(), double(11 * c.fn + c.fp) / double(c.total()));
    roc_points.x.push_back(1 - c.specificity()), roc_points.y.push_back(c.recall());
    pr_points.x.push_back(c.recall()), pr_points.y.push_back(c.precision());
  }
  std::printf("Half of the best F1, %.3f / 2, is %.3f\n", f1.value, f1.value / 2);
  const Confusion half = confusion(weighted.logits(test), test.is_cat), cut = confusion(p, test.is_cat, 1. / 12);
  std::printf("With weight 11, at one half: recall %.3f, precision %.3f; plain, at 1/12: %.3f, %.3f\n", half.recall(),
              half.precision(), cut.recall(), cut.precision());

  // Calibration: a shift mends the weight, a temperature the focal loss.
  const double T = fit_temperature(focal.logits(held_out), held_out.is_cat), shift = prior_shift(11. / 12, 0.5);
  std::printf("\nThe shift of weight 11 is %.3f, the temperature of the focal loss %.3f\n", shift, T);
  std::printf("probabilities        mean p  log loss   error, cats   error, top label\n");
  const std::vector<std::pair<const char*, std::vector<double>>> all = {
      {"plain", p},
      {"weight 11", probabilities(weighted.logits(test))},
      {"focal", probabilities(focal.logits(test))},
      {"weight 11, shifted", probabilities(weighted.logits(test), shift)},
      {"focal, temperature", probabilities(focal.logits(test), 0, T)}};
  Plot reliability[2] = {{"As trained", "probability", "fraction of cats"},
                         {"Corrected", "probability", "fraction of cats"}};
  for (size_t i = 0; i < all.size(); ++i) {
    const auto& [name, of] = all[i];
    const std::vector<ReliabilityBin> bins = reliability_curve(of, test.is_cat, 10);
    double mean = 0;
    for (const double one : of) mean += one / double(of.size());
    std::printf("%-18s     %.3f    %.4f        %.4f             %.4f\n", name, mean, log_loss(of, test.is_cat),
                gap(bins), calibration_error(top_label(of, test.is_cat)).expected);
    Plot::Line curve = line(i < 3 ? name : "", {}, {});
    for (const ReliabilityBin& bin : bins) curve.x.push_back(bin.probability), curve.y.push_back(bin.frequency);
    reliability[i / 3].lines.push_back(curve);
    if (i == 0) reliability[1].lines.push_back(curve);
  }
  for (Plot& plot : reliability) plot.lines.push_back(line("calibrated", {0, 1}, {0, 1})), plot.lines[3].dashed = true;

  Plot roc = {"ROC", "false positive rate", "recall"}, pr = {"Precision and recall", "recall", "precision"},
       costs = {"Cost by threshold, plain", "threshold", "cost per image"};
  Plot::Line roc_line = line("11 dogs for each cat", {}, {}), pr_line = roc_line,
             pr_even = line("as many dogs as cats", {}, {});
  for (int i = 0; i <= 100; ++i) {  // thresholds at equal distances of x, from 3 to -4
    const Confusion c = confusion(test.x, test.is_cat, 3 - i * 0.07);
    roc_line.x.push_back(1 - c.specificity()), roc_line.y.push_back(c.recall());
    pr_line.x.push_back(c.recall()), pr_line.y.push_back(c.precision());
    pr_even.x.push_back(c.recall()), pr_even.y.push_back(at_prevalence(c, 0.5).precision);
  }
  roc_points.color = 2;
  roc.lines = {roc_line, roc_points}, pr.lines = {pr_line, pr_even, pr_points};
  for (const double miss : {1., 3., 11.}) {
    Plot::Line track = line(std::to_string(int(miss)) + " for a miss", {}, {});
    for (int i = 1; i < 100; ++i) {
      const Confusion c = confusion(p, test.is_cat, i / 100.);
      track.x.push_back(i / 100.), track.y.push_back((miss * double(c.fn) + double(c.fp)) / double(c.total()));
    }
    costs.lines.push_back(track);
  }
  const Folder folder(argc, argv);
  folder.write("12_curves.svg", svg("All thresholds", {roc, pr}));
  folder.write("12_cost.svg", svg("What errors cost", {costs}));
  folder.write("12_reliability.svg", svg("Are the probabilities true?", {reliability[0], reliability[1]}));
}
