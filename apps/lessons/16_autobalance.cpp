// Lesson 16: a loss that is learned. Bilevel optimization, the implicit gradient, and AutoBalance.
//
// The text beside this program is 16_autobalance.md.
#include <counterpoise/counterpoise.h>

#include <cmath>
#include <cstdio>

#include "apps/lessons/lesson.h"

using namespace counterpoise;

// -- one parameter and one hyper-parameter: a tenth of the images are cats, and the model is a bias b, no more --
double training_loss(double b, double l) { return std::log1p(std::exp(b + l)) - 0.1 * (b + l); }
double validation_loss(double b) { return std::log1p(std::exp(b)) - 0.5 * b; }  // as if half of the images were cats

// The lower problem, solved as in lesson 1: the b with the lowest training loss for this l.
double trained(double l) {
  double b = 0;
  for (int step = 0; step < 300; ++step) b -= 4 * (probability(b + l) - 0.1);  // the learning rate 4
  return b;
}

// How fast the validation loss of the trained b grows with l. The sum of (1 - H)^j, j = 0 to `terms`, replaces 1 / H.
double implicit_gradient(double l, int terms) {
  const double b = trained(l), q = probability(b + l), H = q * (1 - q), mixed = H;
  double p = 0, rest = probability(b) - 0.5;  // the slope of the validation loss
  for (int j = 0; j <= terms; ++j) p += rest, rest -= H * rest;
  return -mixed * p;
}

// -- five classes, and linear classifiers --
constexpr Index K = 5;
Tensor zeros(const Shape& shape) { return Tensor::zeros(cpu_backend(), shape, DType::f64); }

struct Samples {
  std::vector<double> numbers = {};
  std::vector<int32_t> classes = {};
  std::vector<int64_t> counts = std::vector<int64_t>(K);
  Tensor x = {};
  Labels y = {};
};
// Round clouds of points around the means, more[k] of class k, added to the samples that are there already.
Samples clouds(Random& random, const std::vector<double>& means, const std::vector<int64_t>& more, Samples s = {}) {
  for (Index k = 0; k < K; ++k) {
    for (Index i = 0; i < more[k] * K; ++i) s.numbers.push_back(means[k * K + i % K] + random.normal());
    s.classes.insert(s.classes.end(), more[k], static_cast<int32_t>(k)), s.counts[k] += more[k];
  }
  s.x = Tensor::from<double>(cpu_backend(), {Index(s.classes.size()), K}, s.numbers);
  s.y = make_labels(cpu_backend(), s.classes, 1, DType::f64);
  return s;
}

struct Classifier {
  Var w{zeros({K, K}), true}, b{zeros({K}), true};
  Sgd optimizer{{w, b}, 0.2, {{"momentum", 0.9}}};

  Var operator()(const Samples& s) const { return linear(s.x, w, b); }
  template <class LossOf>
  void train(const Samples& s, int steps, const LossOf& loss) {
    for (int step = 0; step < steps; ++step) mean(loss((*this)(s), s.y)).backward(), optimizer.step();
  }
  double balanced_error(const Samples& s) const {
    return 1 - ConfusionMatrix(s.classes, predict((*this)(s)), K).balanced_accuracy();
  }
};

int main(int argc, char** argv) {
  const double h = 1e-4, rise = validation_loss(trained(h)) - validation_loss(trained(-h));
  const double slope = implicit_gradient(0, 10000), at_0 = validation_loss(trained(0));
  std::printf("The derivative at l = 0: by training twice %.6f, implicit %.6f\n", rise / (2 * h), slope);
  for (const int terms : {0, 1, 5, 20, 100}) std::printf("  J = %3d: %.6f\n", terms, implicit_gradient(0, terms));
  const Var b(Tensor::full(cpu_backend(), {1}, trained(0), DType::f64), true), shift(zeros({1}), true);
  const auto lower = [&] { sum(softplus(b + shift) - 0.1 * (b + shift)).backward(); };
  const auto upper = [&] { sum(softplus(b) - 0.5 * b).backward(); };
  std::printf("the library's, J = 5: %.6f\n\n", hyper_gradient(lower, upper, {b}, {shift}).values[0].item());

  Plot::Line track = points("steps of l", {}, {}), heights = track, losses = line("b is trained", {}, {});
  double l = 0;
  for (int step = 0; step <= 100; ++step, l -= implicit_gradient(l, 5)) {
    const double at = trained(l), loss = validation_loss(at);
    if (step % 20 == 0) std::printf("step %3d: l %8.5f  b %8.5f  validation loss %.6f\n", step, l, at, loss);
    if (step % 4 != 0 || step > 28) continue;
    track.x.push_back(l), track.y.push_back(at), heights.x.push_back(l), heights.y.push_back(loss);
  }
  for (double x = -4; x < 1.01; x += 0.1) losses.x.push_back(x), losses.y.push_back(validation_loss(trained(x)));
  Plot valley = {"The training loss", "l", "b", {line("b is trained", {-4, 1}, {trained(-4), trained(1)}), track}};
  valley.surface = Surface::of([](double l, double b) { return training_loss(b, l); }, -4, 1, -3.5, 2.5, 31);
  valley.surface.contours = {0.33, 0.35, 0.4, 0.5, 0.7, 1, 1.5, 2};
  Plot along = {"The validation loss of the trained b", "l", "loss"};
  along.lines = {losses, heights, line("the implicit gradient at l = 0", {-1, 0.5}, {at_0 - slope, at_0 + slope / 2})};

  std::vector<double> steps, search(101);  // the mean error of four seeds, as the next ones
  double plain = 0, adjusted = 0, learned_loss = 0;
  Plot::Line learned = points("AutoBalance", {}, {}), prior = line("logit adjustment", {}, {});
  std::printf("\nseed  cross-entropy  logit adjustment  AutoBalance  correlation\n");
  for (int seed = 1; seed <= 4; ++seed) {
    Random random(uint64_t(seed), Stream::sample);
    std::vector<double> means;
    for (Index i = 0; i < K * K; ++i) means.push_back(1.1 * random.normal());
    const Samples training = clouds(random, means, {800, 301, 113, 43, 16});
    Random same = random;  // so that both contains what validation contains
    const Samples validation = clouds(random, means, {200, 75, 28, 11, 4});
    const Samples both = clouds(same, means, {200, 75, 28, 11, 4}, training);
    const Samples test = clouds(random, means, std::vector<int64_t>(K, 2000));
    const auto error_of = [&](const auto& loss) {
      Classifier net;
      net.train(both, 1000, loss);
      return net.balanced_error(test);
    };
    const double ce = error_of([](const Var& z, const Labels& y) { return cross_entropy(z, y); });
    const double la = error_of([&](const Var& z, const Labels& y) { return vector_scaling(z, y, both.counts, 0, 1); });
    Classifier net;  // AutoBalance with scales of 1, which sigmoid(30) is up to 1e-13
    const Var delta(Tensor::full(cpu_backend(), {K}, 30, DType::f64)), shifts(zeros({K}), true);
    const auto loss = [&](const Var& z, const Labels& y) { return autobalance(z, y, delta, shifts); };
    const auto lower = [&] { mean(loss(net(training), training.y)).backward(); };
    const std::vector<double> weights = balanced_weights(validation.counts);
    const auto upper = [&] { mean(cross_entropy(net(validation), validation.y, 0, weights)).backward(); };
    Sgd upper_optimizer({shifts}, 0.5, {{"momentum", 0.9}});
    net.train(training, 600, loss);
    for (size_t step = 0; step < search.size(); ++step) {
      search[step] += net.balanced_error(test) / 4;
      if (seed == 1) steps.push_back(double(step));
      set_gradients({shifts}, hyper_gradient(lower, upper, {net.w, net.b}, {shifts}));
      upper_optimizer.step();
      net.train(training, 20, loss);
    }
    const std::vector<double> ls = shifts.value().to_vector<double>();  // their mean is 0
    double middle = 0, xx = 0, xy = 0, yy = 0;
    const auto share = [&](int64_t n) { return std::log(double(n) / double(both.y.size())); };
    for (const int64_t n : both.counts) middle += share(n) / double(K);
    for (size_t k = 0; k < ls.size(); ++k) {
      const double x = share(both.counts[k]) - middle;
      xx += x * x, xy += x * ls[k], yy += ls[k] * ls[k];
      learned.x.push_back(x + middle), learned.y.push_back(ls[k]);
    }
    prior.x = {-5, 0}, prior.y = {-5 - middle, -middle};
    const double ab = error_of(loss);
    std::printf("%4d  %13.3f  %16.3f  %11.3f  %11.2f\n", seed, ce, la, ab, xy / std::sqrt(xx * yy));
    plain += ce / 4, adjusted += la / 4, learned_loss += ab / 4;
  }
  std::printf("mean  %13.3f  %16.3f  %11.3f\n", plain, adjusted, learned_loss);
  const Plot found = {"What was learned", "log of the class's share", "shift l", {learned, prior}};
  Plot errors = {"Balanced error of the search's classifier", "steps of l", "mean of four seeds"};
  errors.lines = {line("AutoBalance", steps, search), line("logit adjustment", {0, 100}, {adjusted, adjusted}),
                  line("cross-entropy", {0, 100}, {plain, plain})};
  const Folder folder(argc, argv);
  folder.write("16_valley.svg", svg("One bias b and one shift l", {valley, along}));
  folder.write("16_autobalance.svg", svg("Five classes: the shifts that AutoBalance learns", {found, errors}));
}
