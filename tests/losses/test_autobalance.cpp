// AutoBalance: its loss, and the experiment in which it finds logit adjustment by itself.
#include <cmath>

#include "core/random.h"
#include "losses/autobalance.h"
#include "losses/multiclass.h"
#include "optim/hyper_gradient.h"
#include "optim/optimizer.h"
#include "tests/losses/cases.h"

using namespace counterpoise;

TEST_CASE("autobalance: gradients in the logits, Delta and l are the closed forms") {
  for (const TestBackend& machine : test_backends()) {
    for (const bool one_logit : {false, true}) {
      const Index K = one_logit ? 2 : 4, N = 6;
      const Labels y = make_labels(
          machine.backend, one_logit ? std::vector<int32_t>{0, 1, 1, 0, 1, 0} : std::vector<int32_t>{0, 3, 1, 2, 2, 0},
          1, DType::f64);
      const auto v = leaves(
          {{one_logit ? Shape{N} : Shape{N, K}, Input::normal, 2}, {{K}, Input::normal, 1}, {{K}, Input::normal, 1}},
          machine.backend, DType::f64);
      const auto loss = [&] { return mean(autobalance(v[0], y, v[1], v[2])); };
      const Gradcheck check = gradcheck(loss, {v[0], v[1], v[2]});
      CHECK_MESSAGE(check.error < 1e-7, check.where);
      if (one_logit) continue;
      for (Var x : v) x.zero_grad();
      sum(autobalance(v[0], y, v[1], v[2])).backward();
      const List z = values(v[0]), l = values(v[2]), gz = numbers(v[0].grad()), gl = numbers(v[2].grad());
      List s = values(sigmoid(v[1])), of_delta(K), of_l(K);
      for (Index n = 0; n < N; ++n) {
        double total = 0;
        for (Index k = 0; k < K; ++k) total += std::exp(s[k] * z[n * K + k] + l[k]);
        for (Index k = 0; k < K; ++k) {
          const double rest = std::exp(s[k] * z[n * K + k] + l[k]) / total - (y.classes[n] == k);
          CHECK(gz[n * K + k] == doctest::Approx(s[k] * rest));
          of_l[k] += rest, of_delta[k] += s[k] * (1 - s[k]) * z[n * K + k] * rest;
        }
      }
      CHECK(deviation(gl, of_l) < 1e-12);
      CHECK(deviation(numbers(v[1].grad()), of_delta) < 1e-12);
    }
  }
}

TEST_CASE("autobalance: limits, state and variables") {
  Backend& b = guarded_cpu();
  const Labels y = make_labels(b, {0, 1, 2, 1}, 1, DType::f64);
  const Var z = leaves({{{4, 3}, Input::normal, 2}}, b, DType::f64)[0];
  const LossSpec spec = resolve("autobalance", LossInfo::logit_per_class, {{"tau", 1.5}});
  Loss loss(spec, {{90, 9, 1}});
  // With a scale of 1 it is logit adjustment: sigmoid(1) times the logits, so the logits are divided by it here.
  Loss adjusted(resolve("logit-adjusted", LossInfo::logit_per_class, {{"tau", 1.5}}), {{90, 9, 1}});
  const double scale = 1 / (1 + std::exp(-1.));
  CHECK(deviation(values(loss.per_sample(z / scale, y)), values(adjusted.per_sample(z, y))) < 1e-12);
  const LossState unshifted = initial_autobalance({90, 9, 0}, 0);  // 0 and not -0, as files have them
  for (const double l : unshifted.at("l")) CHECK((l == 0 && !std::signbit(l)));
  // The state replaces the initial values, and variables the state.
  loss.restore({{"delta", {0.5, 1, -2}}, {"l", {1, 0, -3}}});
  const List of_state = values(loss.per_sample(z, y));
  const Var delta(Tensor::from<double>(b, {3}, {0.5, 1, -2}), true), l(Tensor::from<double>(b, {3}, {1, 0, -3}), true);
  CHECK(of_state == values(autobalance(z, y, delta, l)));
  loss.restore({{"delta", {0, 0, 0}}, {"l", {0, 0, 0}}});
  CHECK(values(loss.per_sample(z, y)) != of_state);
  loss.set_variable("delta", delta), loss.set_variable("l", l);
  CHECK(values(loss.per_sample(z, y)) == of_state);
  loss(z, y).backward();
  CHECK(l.grad().defined());
  // Errors.
  Loss of_two(spec, {{90, 9, 1}});
  of_two.restore({{"delta", {0.5, 1}}, {"l", {1, 0}}});
  CHECK(fails(ErrorKind::bad_data, {"autobalance", "2 numbers", "3 classes"}, [&] { of_two(z, y); }));
  CHECK(fails(ErrorKind::failure, {"autobalance", "l is", "3 classes"},
              [&] { autobalance(z, y, delta, Tensor::zeros(b, {2}, DType::f64)); }));
  CHECK(fails(ErrorKind::invalid_argument, {"autobalance", "training samples"},
              [] { Loss(find_loss("autobalance").name); }));
}

namespace {

// K classes of Gaussians with unit covariance and random means, with n_k samples each.
struct Samples {
  Tensor x;
  Labels y;
  std::vector<int64_t> counts;
};

Samples gaussians(Random& random, const std::vector<float>& means, const std::vector<int64_t>& counts) {
  const auto K = static_cast<Index>(counts.size());
  std::vector<float> x;
  std::vector<int32_t> classes;
  for (Index k = 0; k < K; ++k) {
    for (int64_t n = 0; n < counts[k]; ++n) {
      for (Index i = 0; i < K; ++i) x.push_back(means[k * K + i] + random.normal());
      classes.push_back(static_cast<int32_t>(k));
    }
  }
  return {Tensor::from(cpu_backend(), {Index(classes.size()), K}, x), make_labels(cpu_backend(), classes, 1), counts};
}

// A linear classifier of K classes, trained by gradient descent on all samples.
struct Linear {
  explicit Linear(Index K)
      : w(Tensor::zeros(cpu_backend(), {K, K}), true), b(Tensor::zeros(cpu_backend(), {K}), true) {}
  Var operator()(const Samples& s) const { return linear(s.x, w, b); }
  template <class LossOf>
  void train(Sgd& optimizer, int steps, const LossOf& loss) {
    for (int i = 0; i < steps; ++i) mean(loss()).backward(), optimizer.step();
  }
  // 1 - the mean recall of the classes, of predictions by z + shift.
  double balanced_error(const Samples& s, const std::vector<double>& shift = {}) const {
    const std::vector<double> z = numbers((*this)(s).value());
    const size_t K = s.counts.size();
    double recall = 0;
    for (size_t n = 0; n < s.y.classes.size(); ++n) {
      size_t best = 0;
      const auto score = [&](size_t k) { return z[n * K + k] + (shift.empty() ? 0 : shift[k]); };
      for (size_t k = 1; k < K; ++k) best = score(k) > score(best) ? k : best;
      const auto label = static_cast<size_t>(s.y.classes[n]);
      if (best == label) recall += 1 / static_cast<double>(s.counts[label]);
    }
    return 1 - recall / static_cast<double>(K);
  }
  Var w, b;
};

struct Toy {
  double cross_entropy, post_hoc, weighted, adjusted, autobalance;  // balanced errors
  double correlation, slope;                                        // of l with log(n_k / N)
};

constexpr int long_training = 1500;

template <class LossOf>
double error_of_training(const Samples& on, const Samples& test, const LossOf& loss) {
  Linear net(5);
  Sgd optimizer({net.w, net.b}, 0.2, {{"momentum", 0.9}});
  net.train(optimizer, long_training, [&] { return loss(net(on), on.y); });
  return net.balanced_error(test);
}

Toy run_toy(uint64_t seed, bool learn_scales) {
  constexpr Index K = 5;
  Random random(seed, Stream::test);
  std::vector<float> means;
  for (Index i = 0; i < K * K; ++i) means.push_back(1.1f * random.normal());
  std::vector<int64_t> counts, quarter, both;
  for (Index k = 0; k < K; ++k) {
    counts.push_back(std::llround(800 * std::pow(0.02, double(k) / 4)));
    quarter.push_back(std::llround(double(counts.back()) / 4)), both.push_back(counts.back() + quarter.back());
  }
  const Samples all = gaussians(random, means, both), test = gaussians(random, means, std::vector<int64_t>(K, 2000));
  // The first n_k samples of each class are for training, the rest for validation.
  Samples training, validation;
  {
    const std::vector<float> x = all.x.to_vector<float>();
    std::vector<float> xs[2];
    std::vector<int32_t> ys[2];
    size_t n = 0;
    for (Index k = 0; k < K; ++k) {
      for (int64_t i = 0; i < both[k]; ++i, ++n) {
        const int part = i >= counts[k];
        xs[part].insert(xs[part].end(), x.begin() + std::ptrdiff_t(n * K), x.begin() + std::ptrdiff_t((n + 1) * K));
        ys[part].push_back(static_cast<int32_t>(k));
      }
    }
    for (int part = 0; part < 2; ++part) {
      Samples& to = part ? validation : training;
      to.x = Tensor::from(cpu_backend(), {Index(ys[part].size()), K}, xs[part]);
      to.y = make_labels(cpu_backend(), ys[part], 1), to.counts = part ? quarter : counts;
    }
  }
  std::vector<double> balance, log_prior;
  double total = 0, all_samples = 0;
  for (const int64_t n : quarter) total += double(n);
  for (const int64_t n : both) all_samples += double(n);
  for (const int64_t n : quarter) balance.push_back(total / double(K) / double(n));
  for (const int64_t n : both) log_prior.push_back(std::log(double(n) / all_samples));

  Toy toy = {};
  const auto plain = [](const Var& z, const Labels& y) { return cross_entropy(z, y); };
  toy.cross_entropy = error_of_training(all, test, plain);
  std::vector<double> weights;
  for (const int64_t n : both) weights.push_back(all_samples / double(K) / double(n));
  toy.weighted = error_of_training(
      all, test, [&](const Var& z, const Labels& y) { return cross_entropy(z, y) * by_class(z, y, weights); });
  toy.adjusted =
      error_of_training(all, test, [&](const Var& z, const Labels& y) { return vector_scaling(z, y, both, 0, 1); });
  {
    Linear net(K);
    Sgd optimizer({net.w, net.b}, 0.2, {{"momentum", 0.9}});
    net.train(optimizer, long_training, [&] { return cross_entropy(net(all), all.y); });
    std::vector<double> shift;
    for (const double prior : log_prior) shift.push_back(-prior);
    toy.post_hoc = net.balanced_error(test, shift);
  }

  // The search.
  Linear net(K);
  Sgd inner({net.w, net.b}, 0.2, {{"momentum", 0.9}});
  // Without learned scales they are 1, as in the experiment: sigmoid(30) is.
  const Var delta(Tensor::full(cpu_backend(), {K}, learn_scales ? 1 : 30), true);
  const Var l(Tensor::zeros(cpu_backend(), {K}), true);
  Sgd of_l({l}, 0.5, {{"momentum", 0.9}}), of_delta({delta}, learn_scales ? 0.05 : 0, {{"momentum", 0.9}});
  const auto inner_loss = [&] { return autobalance(net(training), training.y, delta, l); };
  const auto training_gradient = [&] { mean(inner_loss()).backward(); };
  const auto validation_gradient = [&] {
    const Var z = net(validation);
    mean(cross_entropy(z, validation.y) * by_class(z, validation.y, balance)).backward();
  };
  net.train(inner, 600, inner_loss);
  for (int i = 0; i < 250; ++i) {
    net.train(inner, 20, inner_loss);
    set_gradients({delta, l}, hyper_gradient(training_gradient, validation_gradient, {net.w, net.b}, {delta, l}));
    of_l.step(), of_delta.step();
  }
  toy.autobalance = error_of_training(
      all, test, [&](const Var& z, const Labels& y) { return autobalance(z, y, detach(delta), detach(l)); });
  const List learned = values(l);
  double mean_prior = 0, mean_l = 0, covariance = 0, of_prior = 0, of_learned = 0;
  for (Index k = 0; k < K; ++k) mean_prior += log_prior[k] / K, mean_l += learned[k] / K;
  for (Index k = 0; k < K; ++k) {
    const double p = log_prior[k] - mean_prior, q = learned[k] - mean_l;
    covariance += p * q, of_prior += p * p, of_learned += q * q;
  }
  toy.correlation = covariance / std::sqrt(of_prior * of_learned), toy.slope = covariance / of_prior;
  return toy;
}

}  // namespace

TEST_CASE("autobalance: of Gaussian classes and a linear classifier it finds logit adjustment" * slow()) {
  const char* more = std::getenv("AUTOBALANCE_SEEDS");  // 2 unless it says how many
  const int seeds = more ? std::atoi(more) : 2;
  for (const bool learn_scales : {false, true}) {
    if (learn_scales && !more) continue;
    const std::string what = learn_scales ? "Delta and l" : "l alone";
    std::map<std::string, List> all;
    for (int seed = 1; seed <= seeds; ++seed) {
      const Toy toy = run_toy(static_cast<uint64_t>(seed), learn_scales);
      all["1 cross-entropy"].push_back(toy.cross_entropy), all["2 weighted"].push_back(toy.weighted);
      all["3 post-hoc"].push_back(toy.post_hoc), all["4 logit-adjusted"].push_back(toy.adjusted);
      all["5 AutoBalance"].push_back(toy.autobalance), all["6 correlation"].push_back(toy.correlation);
      all["7 slope"].push_back(toy.slope);
    }
    std::string line = what + ", mean +- standard error of " + std::to_string(seeds) + " seeds:";
    std::map<std::string, double> mean;
    for (const auto& [name, numbers] : all) {
      double squares = 0;
      for (const double x : numbers) mean[name] += x / seeds;
      for (const double x : numbers) squares += (x - mean[name]) * (x - mean[name]);
      line += detail::text(" ", name.substr(2), " ", mean[name], "+-", std::sqrt(squares / seeds / (seeds - 1)));
    }
    MESSAGE(line);
    CHECK(mean["6 correlation"] > 0.8);
    CHECK(mean["5 AutoBalance"] < mean["1 cross-entropy"] - 0.04);
    CHECK(mean["5 AutoBalance"] < mean["4 logit-adjusted"] + 0.02);
  }
}
