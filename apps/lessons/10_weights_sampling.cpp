// Lesson 10: class weights and resampling. The same gradient in expectation, and what is different nevertheless.
//
// The text beside this program is 10_weights_sampling.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>
#include <set>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// Dogs around (-1, 0) and cats around (1, 0), with the standard deviation 1 in both directions. Cats are class 1.
Table animals(int cats, int dogs, uint64_t seed) {
  Random rng(seed, Stream::test);
  Table table({}, 2, {}, {"dog", "cat"});
  for (int i = 0; i < cats + dogs; ++i) {
    const bool cat = i < cats;
    const double x = (cat ? 1 : -1) + double(rng.normal()), y = rng.normal();
    table.features.push_back(x), table.features.push_back(y), table.labels.push_back(cat);
  }
  return table;
}

// Lesson 3's neuron, with two inputs. It says cat where w1 x + w2 y + b > 0.
struct Neuron {
  double w1 = 0, w2 = 0, b = 0;
  double logit(const double* at) const { return w1 * at[0] + w2 * at[1] + b; }
  double boundary(double y) const { return -(b + w2 * y) / w1; }  // the x where it changes its mind
  double square() const { return w1 * w1 + w2 * w2 + b * b; }
  Neuron plus(double factor, const Neuron& g) const {
    return {w1 + factor * g.w1, w2 + factor * g.w2, b + factor * g.b};
  }
};

// The gradient of the cross-entropy of one sample, and of a batch: the sum of weight times gradient, by its size.
Neuron gradient(const Neuron& at, const Table& set, size_t sample) {
  const double* x = set.row(sample);
  const double error = 1 / (1 + std::exp(-at.logit(x))) - set.label(sample);
  return {error * x[0], error * x[1], error};
}
Neuron gradient(const Neuron& at, const Table& set, const std::vector<size_t>& batch, const std::vector<double>& w) {
  Neuron sum;
  for (const size_t i : batch) sum = sum.plus(w[set.label(i)] / double(batch.size()), gradient(at, set, i));
  return sum;
}

// The samples of one epoch of a sampler of the library, in order.
std::vector<size_t> epoch(const Table& set, const std::string& sampler, uint64_t seed, uint64_t number = 1) {
  return DataLoader(set, {.sampler = sampler, .seed = seed}).order(number);
}

// Training with all samples at once until nothing changes any more.
Neuron train(const Table& set, const std::vector<size_t>& samples, const std::vector<double>& weights) {
  Neuron neuron;
  for (int i = 0; i < 600; ++i) neuron = neuron.plus(-1, gradient(neuron, set, samples, weights));
  return neuron;
}

// Where the boundary crosses y = 0 in 600 steps with batches of 8.
Plot::Line path(const std::string& name, Neuron neuron, const Table& set, const char* sampler,
                const std::vector<double>& weights) {
  Plot::Line all = line(name, {}, {});
  for (uint64_t number = 1;; ++number) {
    const std::vector<size_t> samples = epoch(set, sampler, 1, number);
    for (size_t i = 0; i < samples.size(); i += 8) {
      if (all.x.size() > 600) return all;
      all.x.push_back(double(all.x.size())), all.y.push_back(neuron.boundary(0));
      neuron = neuron.plus(-0.3, gradient(neuron, set, {samples.begin() + i, samples.begin() + i + 8}, weights));
    }
  }
}

// The gradient of one sample that is drawn at random, class c with the probability draw[c] for each of its samples, and
// multiplied by weight[c]: the length of its mean, and its variance, by adding up all samples. No chance is involved.
std::pair<double, double> moments(const Neuron& at, const Table& set, const std::vector<double>& draw,
                                  const std::vector<double>& weight) {
  Neuron mean;
  double squares = 0;
  for (size_t i = 0; i < set.size(); ++i) {
    const Neuron g = gradient(at, set, i);
    const double p = draw[set.label(i)], w = weight[set.label(i)];
    mean = mean.plus(p * w, g), squares += p * w * w * g.square();
  }
  return {std::sqrt(mean.square()), squares - mean.square()};
}

int main(int argc, char** argv) {
  const Table set = animals(40, 440, 1), test = animals(2000, 2000, 2);
  const std::vector<double> weights = balanced_weights(set.counts()), none = {1, 1};
  std::printf("40 cats, 440 dogs: the weights are %.4f for a cat and %.4f for a dog\n\n", weights[1], weights[0]);

  std::printf("sampler               cats  dogs  different ones\n");
  for (const char* sampler : {"shuffle", "oversample", "weighted", "undersample"}) {
    const std::vector<size_t> order = epoch(set, sampler, 1);
    std::printf("%-20s %5ld %5ld %8zu\n", sampler, set.counts(order)[1], set.counts(order)[0],
                std::set<size_t>(order.begin(), order.end()).size());
  }

  const auto all = epoch(set, "shuffle", 1), over = epoch(set, "oversample", 1), under = epoch(set, "undersample", 1);
  const Neuron plain = train(set, all, none), weighted = train(set, all, weights);
  const std::vector<std::pair<std::string, Neuron>> trained = {{"plain", plain},
                                                               {"class weights", weighted},
                                                               {"oversampled", train(set, over, none)},
                                                               {"undersampled", train(set, under, none)}};
  std::printf("\n                crosses y = 0 at   cats found   dogs found\n");
  for (const auto& [name, neuron] : trained) {
    double found[2] = {0, 0};
    for (size_t i = 0; i < test.size(); ++i) found[test.label(i)] += (neuron.logit(test.row(i)) > 0) == test.label(i);
    std::printf("%-14s %16.3f %12.3f %12.3f\n", name.c_str(), neuron.boundary(0), found[1] / 2000, found[0] / 2000);
  }
  double sum = 0, squares = 0;
  for (int seed = 1; seed <= 50; ++seed) {
    const double at = train(set, epoch(set, "undersample", seed), none).boundary(0);
    sum += at / 50, squares += at * at / 50;
  }
  std::printf("50 other draws of 40 dogs: %.2f, with a standard deviation of %.2f\n", sum,
              std::sqrt(squares - sum * sum));

  // The gradient where w1 = w2 = b = 0, by class weights, by copies, and by the library's loss with class weights.
  const Var x(Tensor::from<double>(cpu_backend(), {480, 2}, set.features)),
      w(Tensor::zeros(cpu_backend(), {2, 1}, DType::f64), true);
  Loss bce("bce", {}, {.class_weights = weights});
  bce(matmul(x, w), set.labels).backward();
  std::printf("\nThe derivative with respect to w1 at the start: weights %.6f, copies %.6f, the library's %.6f\n",
              gradient({}, set, all, weights).w1, gradient({}, set, over, none).w1, w.grad().to_vector<double>()[0]);

  std::printf("\none random sample      mean: weights sampling   variance: weights sampling   ratio\n");
  for (const Neuron& here : {plain, weighted}) {
    const auto w = moments(here, set, {1. / 480, 1. / 480}, weights),
               s = moments(here, set, {0.5 / 440, 0.5 / 40}, none);
    std::printf("boundary at %.3f %17.4f %8.4f %19.3f %8.3f %7.2f\n", here.boundary(0), w.first, s.first, w.second,
                s.second, w.second / s.second);
  }

  Plot boundaries = {"", "x", "y"}, paths = {"", "step", "crosses y = 0 at"};
  paths.lines = {path("class weights", plain, set, "shuffle", weights), path("sampler", plain, set, "weighted", none)};
  boundaries.lines = {points("dogs", {}, {}), points("cats", {}, {})};
  for (size_t i = 0; i < set.size(); ++i) {
    boundaries.lines[set.label(i)].x.push_back(set.row(i)[0]),
        boundaries.lines[set.label(i)].y.push_back(set.row(i)[1]);
  }
  for (const auto& [name, n] : trained)
    boundaries.lines.push_back(line(name, {n.boundary(-3), n.boundary(3)}, {-3, 3}));
  boundaries.lines[4].dashed = true;
  const Folder folder(argc, argv);
  folder.write("10_boundaries.svg", svg("The boundaries of four trainings with 40 cats and 440 dogs", {boundaries}));
  folder.write("10_paths.svg", svg("From the plain boundary on, with batches of 8", {paths}));
}
