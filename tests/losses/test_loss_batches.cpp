// From the losses of samples to that of a batch: labels, class weights, denominators, downloads.
#include <cmath>
#include <limits>

#include "tests/losses/cases.h"

using namespace counterpoise;

TEST_CASE("losses: the mean under class weights, with every denominator") {
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    const Labels labels = make_labels(b, {0, 1, 1, 0}, 0, DType::f64);
    CHECK(numbers(labels.positive) == List{1, 0, 0, 1});
    CHECK(labels.index.to_vector<int32_t>() == std::vector<int32_t>{0, 1, 1, 0});
    const double log2 = std::log(2.);
    const List weights = {6, 6. / 11};
    // All logits 0: each sample's loss is log 2, and the weights add up to 12 + 12/11.
    const Var zero(Tensor::zeros(b, {4, 1}, DType::f64)), pair(Tensor::zeros(b, {4, 2}, DType::f64));
    const auto of = [&](const char* name, const Var& z, const List& w, const char* reduction = "") {
      const LossInfo& info = find_loss(name);
      return Loss(resolve(info, info.form()), {{}, w, reduction})(z, labels).value().item();
    };
    const auto is = [](double value, double expected) { CHECK(value == doctest::Approx(expected).epsilon(1e-12)); };
    is(of("bce", zero, {}), log2);
    is(of("weighted-bce", zero, weights), log2 * (12 + 12. / 11) / 4);
    is(of("bce", zero, weights), log2 * (12 + 12. / 11) / 4);
    is(of("bce", zero, weights, "weighted-mean"), log2);
    is(of("bce", zero, weights, "sum"), log2 * (12 + 12. / 11));
    is(of("bce", zero, weights, "positives"), log2 * (12 + 12. / 11) / 2);
    is(of("cross-entropy", pair, {}), log2);
    is(of("cross-entropy", pair, weights), log2);
    is(of("cross-entropy", pair, weights, "mean"), log2 * (12 + 12. / 11) / 4);
    // Squared errors 1, 4, 9, 16 of classes 0, 1, 1, 0.
    const Var z(Tensor::from<double>(b, {4}, {2, 2, 3, 5}));
    is(of("mse", z, {3, 0.5}), (3 * 1 + 0.5 * 4 + 0.5 * 9 + 3 * 16) / 4);
    // Doubling all weights doubles the mean, and leaves the weighted mean alone.
    is(of("bce", z, {6, 1}, "mean"), 2 * of("bce", z, {3, 0.5}, "mean"));
    is(of("bce", z, {6, 1}, "weighted-mean"), of("bce", z, {3, 0.5}, "weighted-mean"));
    // Without a positive sample the denominator is 1.
    const Labels none = make_labels(b, {1, 1, 1, 1}, 0, DType::f64);
    is(Loss(resolve("bce", LossInfo::one_logit), {{}, {}, "positives"})(zero, none).value().item(), 4 * log2);
  }
}

TEST_CASE("losses: soft targets and ignored labels") {
  Backend& b = guarded_cpu();
  const Var z = leaves({{{3, 3}, Input::normal, 2}}, b, DType::f64)[0];
  // One-hot soft targets are labels.
  const Labels hard = make_labels(b, {2, 0, 1}, 1, DType::f64);
  const Labels soft = make_soft_labels(b, std::vector<List>{{0, 0, 1}, {1, 0, 0}, {0, 1, 0}}, 1, DType::f64);
  Loss loss(resolve("cross-entropy", LossInfo::logit_per_class));
  CHECK(deviation(values(loss.per_sample(z, soft)), values(loss.per_sample(z, hard))) < 1e-13);
  // An ignored sample counts neither in the numerator nor in the denominator, whatever its logits.
  const Labels ignoring = make_labels(b, {2, -100, 1}, 1, DType::f64);
  const List each = values(loss.per_sample(z, hard));
  CHECK(values(loss.per_sample(z, ignoring))[1] == 0);
  CHECK(loss(z, ignoring).value().item() == doctest::Approx((each[0] + each[2]) / 2).epsilon(1e-12));
  Loss weighted(resolve("cross-entropy", LossInfo::logit_per_class), {{}, {1, 2, 4}});
  CHECK(weighted(z, ignoring).value().item() == doctest::Approx((4 * each[0] + 2 * each[2]) / 6).epsilon(1e-12));
  CHECK(fails(ErrorKind::failure, {"cross-entropy", "ignored"}, [&] {
    loss(z, make_labels(b, {-100, -100, -100}, 1, DType::f64));
  }));
  // A logit of minus infinity is a class with probability 0.
  const Var masked(Tensor::from<double>(b, {1, 3}, {0, -std::numeric_limits<double>::infinity(), 0}), true);
  Loss smoothed(resolve("cross-entropy", LossInfo::logit_per_class), {{}, {1, 1, 1}});
  const Var value = smoothed(masked, make_labels(b, {2}, 1, DType::f64));
  value.backward();
  CHECK(value.value().item() == doctest::Approx(std::log(2.)));
  for (const double g : numbers(masked.grad())) CHECK(std::isfinite(g));
}

TEST_CASE("losses: soft targets are never ignored, whatever their most probable class") {
  Backend& b = guarded_cpu();
  const Labels labels = make_soft_labels(b, std::vector<List>{{0.5, 0.5}, {0.5, 0.5}}, 1, DType::f64);
  CHECK(labels.classes[0] == 0);
  Loss loss(resolve("cross-entropy", LossInfo::logit_per_class, {{"ignore-index", 0}}));
  const Var z(Tensor::zeros(b, {2, 2}, DType::f64));
  CHECK(loss(z, labels).value().item() == doctest::Approx(std::log(2.)));
}

TEST_CASE("losses: class weights can be deferred, and influence-balanced starts late") {
  Backend& b = guarded_cpu();
  const Labels labels = make_labels(b, {0, 1}, 1, DType::f64);
  const Var z(Tensor::zeros(b, {2}, DType::f64));
  LossOptions options;
  options.class_weights = {1, 5};
  options.defer_weights = 0.8;
  Loss loss(resolve("bce", LossInfo::one_logit), options);
  const double log2 = std::log(2.);
  for (const auto& [progress, mean] :
       {std::pair<double, double>{0, log2}, {0.79, log2}, {0.8, 3 * log2}, {1, 3 * log2}}) {
    loss.set_progress(progress);
    CHECK(loss(z, labels).value().item() == doctest::Approx(mean));
  }
  CHECK(find_loss("ldam").defaults.defer_weights == 0.8);
  const Var pair(Tensor::zeros(b, {2, 2}, DType::f64));
  Loss influence(resolve("influence-balanced", LossInfo::logit_per_class, {{"alpha", 2}, {"eps", 1}}), {{30, 10}});
  influence.set_progress(0.49);
  CHECK(influence(pair, labels).value().item() == doctest::Approx(log2));
  influence.set_progress(0.5);  // weights lambda alpha / (2 (1 - 1/2) + 1) with lambda = 0.5 and 1.5, whose mean is 1
  CHECK(influence(pair, labels).value().item() == doctest::Approx(log2));
  CHECK(values(influence.per_sample(pair, labels))[1] == doctest::Approx(1.5 * log2));
  influence.set_feature_norms(Var(Tensor::full(b, {2}, 3, DType::f64)));
  CHECK(values(influence.per_sample(pair, labels))[1] == doctest::Approx(1.5 * 2 / (3. + 1) * log2));
}

TEST_CASE("losses: without detach the gradient of influence-balanced reaches the features, as in the authors' code") {
  Backend& b = guarded_cpu();
  const Labels labels = make_labels(b, {0, 1}, 1, DType::f64);
  for (const double detach : {0., 1.}) {
    const Var z(Tensor::zeros(b, {2, 2}, DType::f64), /*requires_grad=*/true);
    const Var norms(Tensor::full(b, {2}, 3, DType::f64), /*requires_grad=*/true);
    Loss influence(
        resolve("influence-balanced", LossInfo::logit_per_class, {{"alpha", 2}, {"eps", 1}, {"detach", detach}}),
        {{30, 10}});
    influence.set_feature_norms(norms);
    sum(influence.per_sample(z, labels)).backward();
    // The weight lambda alpha / (norm + eps) has the derivative -lambda alpha / (norm + eps)^2.
    if (detach == 1) CHECK(!norms.grad().defined());
    else CHECK(numbers(norms.grad())[1] == doctest::Approx(-1.5 * 2 / 16. * std::log(2.)));
  }
}

TEST_CASE("losses: of logits of +-1e4 and the smallest clip asymmetric makes finite numbers") {
  for (const double clip : {1e-12, 1e-8, 1e-7, 2e-6}) {
    Var z(Tensor::from(guarded_cpu(), {4}, std::vector<float>{1e4, 20, -20, -1e4}), /*requires_grad=*/true);
    for (const int32_t label : {0, 1}) {
      const Var loss = Loss("asymmetric", {{"clip", clip}})
                           .per_sample(z, make_labels(guarded_cpu(), {label, label, label, label}, 1));
      z.zero_grad();
      sum(loss).backward();
      for (const double v : values(loss)) CHECK(std::isfinite(v));
      for (const double v : numbers(z.grad())) CHECK(std::isfinite(v));
    }
  }
}

TEST_CASE(
    "losses: deferred weights of ldam divide by their sum, as in the authors' code, and its logits have a scale") {
  Backend& b = guarded_cpu();
  const LossSpec spec = resolve("ldam", LossInfo::logit_per_class, {{"max-margin", 0}, {"scale", 20}});
  CHECK(spec.logit_scale() == 20);
  CHECK(resolve("bce", LossInfo::one_logit).logit_scale() == 1);
  LossOptions options;
  options.counts = {30, 10}, options.class_weights = {1, 3},
  options.reduction = to_string(find_loss("ldam").defaults.reduction);
  Loss loss(spec, options);
  const Var cosines(Tensor::from(b, {3, 2}, std::vector<double>{0.1, 0, 0.1, 0, 0, 0.1}));
  const double right = std::log1p(std::exp(-2.));
  const Labels labels = make_labels(b, {0, 0, 1}, 1, DType::f64);  // the last of weight 3
  CHECK(loss(cosines, labels).value().item() == doctest::Approx(right));
}

TEST_CASE("losses: constructed by name, and called with classes instead of labels, they are the same") {
  Backend& b = guarded_cpu();
  const std::vector<int32_t> classes = {0, 1, 1};
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Var z = leaves({{{3}, Input::normal, 2}}, b, dtype)[0];
    for (const int32_t positive : {0, 1}) {
      Loss named("focal", {{"gamma", 3}}), resolved(resolve("focal", LossInfo::one_logit, {{"gamma", 3}}));
      CHECK(values(named(z, classes, positive)) == values(resolved(z, make_labels(b, classes, positive, dtype))));
    }
    CHECK(values(Loss("bce")(z, classes)) == values(Loss("bce")(z, make_labels(b, classes, 1, dtype))));
  }
  CHECK(Loss("cross-entropy").spec().form() == LossInfo::logit_per_class);
  CHECK(Loss("vs", {}, {{30, 10}}).spec().form() == LossInfo::one_logit);
  CHECK(fails(ErrorKind::invalid_argument, {"focl"}, [] { Loss("focl"); }));
}

TEST_CASE("losses: labels are the same numbers on the host and on the backend") {
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    const auto check = [](const Labels& y, const List& positive, const std::vector<int32_t>& classes) {
      CHECK(y.classes == classes);
      CHECK(y.index.to_vector<int32_t>() == classes);
      CHECK(numbers(y.positive) == y.positive_values);
      CHECK(deviation(y.positive_values, positive) < 1e-6);
      CHECK(numbers(y.probabilities) == y.probability_values);
    };
    for (const DType dtype : {DType::f32, DType::f64}) {
      check(make_labels(b, {2, 0, 1}, 2, dtype), {1, 0, 0}, {2, 0, 1});
      check(make_soft_labels(b, List{0.1, 0.5, 0.7}, 1, dtype), {0.1, 0.5, 0.7}, {0, 1, 1});
      check(make_soft_labels(b, List{0.1, 0.5, 0.7}, 0, dtype), {0.1, 0.5, 0.7}, {1, 0, 0});
      const Labels rows = make_soft_labels(b, std::vector<List>{{0.1, 0.2, 0.7}, {0.4, 0.3, 0.3}}, 1, dtype);
      check(rows, {0.2, 0.3}, {2, 0});
      CHECK(rows.probability_values.size() == 6);
      const Labels one = make_labels(b, {0, 1}, 1, dtype), other = make_labels(b, {2, 1}, 1, dtype);
      const Labels mixed = interpolate_labels(one, other, {0.3f, 0.6f}, 3);
      check(mixed, {0, 1}, {0, 1});
      CHECK(deviation(mixed.probability_values, {0.3, 0, 0.7, 0, 1, 0}) < 1e-6);
      CHECK(!interpolate_labels(one, other, {0.3f, 0.6f}).probabilities.defined());
      check(make_labels(b, {}, 1, dtype), {}, {});
    }
    CHECK(fails(ErrorKind::failure, {"3", "2"}, [&] { make_soft_labels(b, std::vector<List>{{0, 0, 1}, {0, 1}}, 1); }));
    CHECK(fails(ErrorKind::failure, {"positive class 2"}, [&] { make_soft_labels(b, std::vector<List>{{0, 1}}, 2); }));
    const Labels one = make_labels(b, {0}, 1);
    CHECK(fails(ErrorKind::failure, {"lengths"}, [&] { interpolate_labels(one, one, {0.5f, 0.5f}); }));
  }
}

namespace {

// Counts what a step waits for: on a GPU every download waits for all that was enqueued before it.
class CountingBackend : public Guarded<CpuBackend> {
 public:
  bool is_remote() const override { return true; }
  void download(const ConstView& x, void* host) override {
    ++downloads;
    Guarded<CpuBackend>::download(x, host);
  }
  int downloads = 0;
};

}  // namespace

TEST_CASE("losses: a step downloads nothing but the logits of losses that compute weights on the host") {
  CountingBackend b;
  const auto computes_weights = [](const std::string& name) {
    return name == "ghm" || name == "equalization-v2" || name == "seesaw";
  };
  for (const Case& c : cases()) {
    CAPTURE(c.str());
    for (const char* reduction : {"", "mean", "positives", "weighted-mean"}) {
      if (*reduction && c.info->is(LossInfo::batch_level)) continue;
      LossOptions options;
      options.class_weights = c.weights();
      options.reduction = reduction;
      Loss loss = c.loss(options);
      loss.train(true);
      const Var z = leaves({{c.shape(4), Input::normal, 2}}, b, DType::f32)[0];
      b.downloads = 0;
      loss(z, make_labels(b, {0, 1, 1, 0}, 1)).backward();
      CHECK(b.downloads == (computes_weights(c.info->name) ? 1 : 0));
    }
  }
  Loss soft("cross-entropy");
  const Var z = leaves({{{2, 2}, Input::normal, 2}}, b, DType::f32)[0];
  b.downloads = 0;
  soft(z, make_soft_labels(b, std::vector<List>{{0.25, 0.75}, {1, 0}}, 1)).backward();
  CHECK(b.downloads == 0);
}
