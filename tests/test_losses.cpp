// Losses, class weights and metrics.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "losses/binary.h"
#include "losses/class_weights.h"
#include "losses/metrics.h"
#include "losses/multiclass.h"
#include "losses/registry.h"
#include "tests/gradcheck.h"
#include "tests/machines.h"

using namespace counterpoise;

namespace {

using List = std::vector<double>;

List values(const Var& x) { return numbers(x.value()); }

// Logits for a loss: [N], or [N, 3] with a logit for each class.
Input logits(const LossInfo& loss, Index N) {
  return loss.outputs == LossInfo::one_logit ? Input{{N}, Input::normal, 2} : Input{{N, 3}, Input::normal, 2};
}

// Every loss with several of its parameters: the bounds, the defaults, none.
std::vector<LossParams> choices(const LossInfo& loss) {
  std::vector<LossParams> all = {{}};
  for (const LossParam& p : loss.params) {
    List candidates = {p.value, p.low, p.low + 0.3 * (std::min(p.high, 5.) - p.low), p.high};
    if (p.optional) candidates.push_back(-1);
    std::vector<LossParams> longer;
    for (const LossParams& before : all) {
      for (const double value : candidates) {
        longer.push_back(before);
        longer.back()[p.name] = value;
      }
    }
    all = longer;
  }
  return all;
}

std::string str(const LossInfo& loss, const LossParams& params) {
  std::string y = loss.name;
  for (const auto& [name, value] : params) y += text(" ", name, "=", value);
  return y;
}

}  // namespace

TEST_CASE("losses: gradients of every row are those of finite differences, 1e-6") {
  const std::vector<int32_t> classes = {0, 1, 2, 1, 0, 1, 2};
  for (const Machine& machine : machines()) {
    const Labels labels = make_labels(machine.backend, classes, 1, DType::f64);
    for (const LossInfo& loss : losses()) {
      for (const LossParams& given : choices(loss)) {
        const std::string where = str(loss, given) + " on " + machine.backend.name();
        CAPTURE(where);
        const LossParams params = resolve(loss, given);
        const Var z = leaves({logits(loss, 7)}, machine.backend, DType::f64)[0];
        const auto each = [&] { return loss.per_sample(z, labels, params); };
        CHECK(each().shape() == Shape{7});
        for (const List& weights : {List{}, List{0.5, 3, 1.25}}) {
          const auto mean = [&] { return compute(loss, z, labels, params, weights); };
          CHECK(mean().shape() == Shape{});
          for (const Gradcheck& check : {gradcheck(each, {z}), gradcheck(mean, {z})}) {
            CHECK_MESSAGE(check.error < 1e-6, check.where);
          }
        }
      }
    }
  }
}

TEST_CASE("losses: values and gradients are finite at logits of +-1e4 in f32") {
  for (const Machine& machine : machines()) {
    for (const LossInfo& loss : losses()) {
      for (const LossParams& given : choices(loss)) {
        const std::string where = str(loss, given) + " on " + machine.backend.name();
        CAPTURE(where);
        const bool one = loss.outputs == LossInfo::one_logit;
        std::vector<float> numbers_in;
        std::vector<int32_t> classes;
        for (const float z : {1e4f, -1e4f, 200.f, -200.f, 0.f}) {
          for (const int32_t label : {0, 1}) {
            numbers_in.push_back(z);
            if (!one) numbers_in.push_back(-z);
            classes.push_back(label);
          }
        }
        const Index N = Index(classes.size());
        const Var z(Tensor::from(machine.backend, one ? Shape{N} : Shape{N, 2}, numbers_in), true);
        const Labels labels = make_labels(machine.backend, classes, 1);
        const Var y = loss.per_sample(z, labels, resolve(loss, given));
        sum(y).backward();
        for (const double v : values(y)) CHECK((std::isfinite(v) && v >= 0));
        for (const double g : numbers(z.grad())) CHECK(std::isfinite(g));
      }
    }
  }
}

// Computed in double by an independent program.
TEST_CASE("losses: golden values of the binary losses, 1e-8") {
  struct Row {
    double z, y, bce, dbce, focal, dfocal, focal_half, dfocal_half;  // gamma 2 alpha 0.25; 0.5 none
  };
  const Row rows[] = {
      {-5, 0, .00671534849, .00669285092, 2.25606767e-07, 6.73044575e-07, .000549381627, .000820393453},
      {-5, 1, 5.00671535, -.993307149, 1.23498031, -.261544961, 4.98993262, -1.00667598},
      {-1, 0, .313261688, .268941421, .0169935431, .0394358475, .162456140, .198854322},
      {-1, 1, 1.31326169, -.731058579, .175467076, -.192058681, 1.12286453, -.776061832},
      {0, 0, .693147181, .5, .129965096, .223715096, .490129072, .476085659},
      {0, 1, .693147181, -.5, .0433216988, -.0745716988, .490129072, -.476085659},
      {.5, 1, .474076984, -.377540669, .0168933726, -.0344842493, .291293465, -.322636533},
      {2, 0, 2.12692801, .880797078, 1.23755863, .807535298, 1.99613874, .945607801},
      {2, 1, .126928011, -.119202922, .000450890709, -.00121773505, .043822881, -.0604552668},
      {20, 1, 2.06115362e-09, -2.06115362e-09, 2.18912768e-27, -6.56738303e-27, 9.35762295e-14, -1.40364344e-13},
  };
  for (const Machine& machine : machines()) {
    for (const Row& row : rows) {
      CAPTURE(row.z);
      CAPTURE(row.y);
      const Tensor y = Tensor::full(machine.backend, {1}, row.y, DType::f64);
      const auto check = [&](const std::function<Var(const Var&)>& f, double value, double gradient) {
        const Var z(Tensor::full(machine.backend, {1}, row.z, DType::f64), true);
        const Var loss = f(z);
        loss.backward();
        // Nine digits are given, so small numbers agree to 1e-8 of themselves, too.
        CHECK(std::fabs(loss.value().item() - value) < 1e-8 * std::max(value, 1e-20));
        CHECK(std::fabs(z.grad().item() - gradient) < 1e-8 * std::max(std::fabs(gradient), 1e-20));
      };
      check([&](const Var& z) { return bce(z, y); }, row.bce, row.dbce);
      check([&](const Var& z) { return focal(z, y, 2, 0.25); }, row.focal, row.dfocal);
      check([&](const Var& z) { return focal(z, y, 0.5, -1); }, row.focal_half, row.dfocal_half);
    }
    const Var z(Tensor::from<double>(machine.backend, {1, 4}, {1.2, -0.4, 0.3, 2}));
    for (const auto& [label, value] : {std::pair<int32_t, double>{0, 1.3439104981}, {3, .5439104981}}) {
      const Tensor index = Tensor::from<int32_t>(machine.backend, {1}, {label});
      CHECK(std::fabs(cross_entropy(z, index).value().item() - value) < 1e-10);
    }
  }
}

TEST_CASE("losses: at their limits they are their parents, exactly") {
  for (const Machine& machine : machines()) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      const auto both = [&](const std::function<Var(const Var&, const Tensor&)>& f) {
        const Var z = leaves({{{64}, Input::normal, 5}}, machine.backend, dtype)[0];
        List targets(64);
        for (int i = 0; i < 64; ++i) targets[i] = i % 2;
        const Var y = f(z, Tensor::from(machine.backend, {64}, targets).cast(dtype));
        sum(y).backward();
        return std::pair(values(y), numbers(z.grad()));
      };
      const auto parent = both(bce);
      const auto halves = both([](const Var& z, const Tensor& y) { return bce(z, y) * 0.5; });
      const auto plain = both([](const Var& z, const Tensor& y) { return focal(z, y, 0, -1); });
      CHECK(plain.first == parent.first);
      CHECK(deviation(plain.second, parent.second) < 1e-6);
      CHECK(both([](const Var& z, const Tensor& y) { return balanced_bce(z, y, -1); }) == parent);
      CHECK(both([](const Var& z, const Tensor& y) { return balanced_bce(z, y, 0.5); }) == halves);
      CHECK(both([](const Var& z, const Tensor& y) { return focal(z, y, 0, 0.5); }).first == halves.first);
    }
  }
  // Focal with alpha = 0.75 weighs positives three times as much as negatives.
  Backend& b = guarded_cpu();
  const Var z(Tensor::full(b, {2}, 0, DType::f64));
  const List weighed = values(focal(z, Tensor::from<double>(b, {2}, {1, 0}), 2, 0.75));
  CHECK(weighed[0] == doctest::Approx(3 * weighed[1]));
  CHECK(values(mse(z + 3, Tensor::from<double>(b, {2}, {1, 0}))) == List{4, 9});
}

TEST_CASE("losses: the mean under class weights, with both denominators") {
  for (const Machine& machine : machines()) {
    Backend& b = machine.backend;
    const Labels labels = make_labels(b, {0, 1, 1, 0}, 0, DType::f64);
    CHECK(numbers(labels.positive) == List{1, 0, 0, 1});
    CHECK(labels.index.to_vector<int32_t>() == std::vector<int32_t>{0, 1, 1, 0});
    const double log2 = std::log(2.);
    const List weights = {6, 6. / 11};
    // All logits 0: each sample's loss is log 2, and the weights add up to 12 + 12/11.
    const Var zero(Tensor::zeros(b, {4, 1}, DType::f64)), pair(Tensor::zeros(b, {4, 2}, DType::f64));
    const auto of = [&](const char* name, const Var& z, const List& w) {
      return compute(find_loss(name), z, labels, resolve(find_loss(name), {}), w).value().item();
    };
    CHECK(of("bce", zero, {}) == doctest::Approx(log2).epsilon(1e-12));
    CHECK(of("weighted-bce", zero, weights) == doctest::Approx(log2 * (12 + 12. / 11) / 4).epsilon(1e-12));
    CHECK(of("bce", zero, weights) == doctest::Approx(log2 * (12 + 12. / 11) / 4).epsilon(1e-12));
    CHECK(of("cross-entropy", pair, {}) == doctest::Approx(log2).epsilon(1e-12));
    CHECK(of("cross-entropy", pair, weights) == doctest::Approx(log2).epsilon(1e-12));
    // Squared errors 1, 4, 9, 16 of classes 0, 1, 1, 0.
    const Var z(Tensor::from<double>(b, {4}, {2, 2, 3, 5}));
    CHECK(of("mse", z, {3, 0.5}) == doctest::Approx((3 * 1 + 0.5 * 4 + 0.5 * 9 + 3 * 16) / 4));
    // Losses log(1 + e^-2) and log(1 + e^2), weighted mean (PyTorch's CrossEntropyLoss).
    const Labels two = make_labels(b, {0, 1}, 1, DType::f64);
    const Var rows(Tensor::from<double>(b, {2, 2}, {2, 0, 2, 0}));
    const double easy = std::log1p(std::exp(-2.)), hard = std::log1p(std::exp(2.));
    CHECK(compute(find_loss("cross-entropy"), rows, two, {}, {1, 3}).value().item() ==
          doctest::Approx((easy + 3 * hard) / 4).epsilon(1e-12));
  }
}

TEST_CASE("losses: what cannot be computed is said") {
  Backend& b = guarded_cpu();
  const LossInfo &focal = find_loss("focal"), &cross = find_loss("cross-entropy");
  const LossParams params = resolve(focal, {});
  CHECK(params.size() == 2);
  for (const LossParam& p : focal.params) CHECK(params.at(p.name) == p.value);
  CHECK(resolve(focal, {{"alpha", -1}}).at("alpha") == -1);
  CHECK(fails(Exit::usage, {"focl", "mse", "bce", "weighted-bce", "balanced-bce", "focal", "cross-entropy"},
              [] { find_loss("focl"); }));
  CHECK(fails(Exit::usage, {"--beta", "focal", "--gamma", "--alpha"}, [&] { resolve(focal, {{"beta", 1}}); }));
  CHECK(fails(Exit::usage, {"--gamma", "bce", "no parameters"}, [] { resolve(find_loss("bce"), {{"gamma", 2}}); }));
  CHECK(fails(Exit::usage, {"--gamma", "-1", "0"}, [&] { resolve(focal, {{"gamma", -1}}); }));
  CHECK(fails(Exit::usage, {"--alpha", "1.5", "none"}, [&] { resolve(focal, {{"alpha", 1.5}}); }));
  CHECK(fails(Exit::usage, {"--gamma"}, [&] { resolve(focal, {{"gamma", std::nan("")}}); }));

  const auto with = [&](const LossInfo& loss, const Shape& z, const std::vector<int32_t>& classes,
                        const List& weights = {}) {
    return
        [&, z, classes, weights] { compute(loss, Tensor::zeros(b, z), make_labels(b, classes, 0), params, weights); };
  };
  CHECK(fails(Exit::failure, {"focal", "empty"}, with(focal, {0}, {})));
  CHECK(fails(Exit::failure, {"focal", "2 labels", "[3]"}, with(focal, {3}, {0, 1})));
  CHECK(fails(Exit::failure, {"focal", "[2, 3]"}, with(focal, {2, 3}, {0, 1})));
  CHECK(fails(Exit::failure, {"[2]"}, with(cross, {2}, {0, 1})));
  CHECK(fails(Exit::failure, {"label 2"}, with(cross, {2, 2}, {0, 2})));
  CHECK(fails(Exit::failure, {"class 1"}, with(focal, {2}, {0, 1}, {1})));
  CHECK(fails(Exit::failure, {"weights", "0"}, with(cross, {2, 2}, {0, 0}, {0, 1})));
}

// -- class weights
// ----------------------------------------------------------------------------------

TEST_CASE("class weights: balanced ones are N / (K n)") {
  CHECK(balanced_weights({1000, 11000}) == List{6, 12000. / 22000});
  CHECK(balanced_weights({1000, 11000})[1] == doctest::Approx(0.5454545454545454).epsilon(1e-15));
  CHECK(balanced_weights({500, 11000})[0] == 11.5);
  CHECK(balanced_weights({1000, 100, 50, 10})[3] == 29);
  CHECK(balanced_weights({3, 0}) == List{0.5, 0});
  CHECK(balanced_weights({0, 0}) == List{0, 0});
}

TEST_CASE("class weights: as they are written on the command line") {
  const std::vector<std::string> classes = {"cat", "dog"};
  const std::vector<int64_t> counts = {1000, 11000};
  const auto parse = [&](const std::string& spec) { return parse_class_weights(spec, classes, counts); };
  CHECK(parse("none").empty());
  CHECK(parse("balanced") == balanced_weights(counts));
  CHECK(parse("cat=6,dog=0.55") == List{6, 0.55});
  CHECK(parse("dog=1e-3,cat=0") == List{0, 0.001});
  for (const std::string bad : {"cat=6", "cat=6,dog", "cat=6,cow=1", "cat=,dog=1", "cat=x,dog=1", "cat=-1,dog=1",
                                "cat=1x,dog=1", "cat=nan,dog=1", "cat=inf,dog=1", "", "6,0.5", "cat=1,cat=2,dog=1"}) {
    CAPTURE(bad);
    CHECK(fails(Exit::usage, {"--class-weights"}, [&] { parse(bad); }));
  }
  CHECK(fails(Exit::usage, {"--class-weights", "cow", "cat=NUMBER,dog=NUMBER"}, [&] { parse("cow=1,dog=1"); }));
  CHECK(parse_per_class("--keep", "dog=11000", classes, -1) == List{-1, 11000});
  CHECK(fails(Exit::usage, {"--keep", "twice"}, [&] { parse_per_class("--keep", "cat=1,cat=2", classes, 0); }));
}

// -- metrics
// ----------------------------------------------------------------------------------------

TEST_CASE("metrics: accuracy, precision, recall and F1 of the lectures' tables") {
  struct Row {
    Confusion c;
    double accuracy, precision, recall, f1;
  };
  const Row rows[] = {
      {{100, 10, 5, 50}, .90909, .90909, .95238, .93023},
      {{95, 10, 10, 50}, .87879, .90476, .90476, .90476},
      {{85, 0, 20, 60}, .87879, 1, .80952, .89474},
      {{105, 20, 0, 40}, .87879, .84, 1, .91304},
      {{100, 100, 100, 99900}, .998004, .5, .5, .5},
      {{50000, 100, 100, 50000}, .998004, .998004, .998004, .998004},
      {{821, 11, 679, 1489}, .77, .98678, .54733, .70412},
      {{0, 0, 0, 0}, 0, 0, 0, 0},        // nothing
      {{0, 0, 5, 7}, 7. / 12, 0, 0, 0},  // nothing called positive
      {{0, 4, 0, 6}, .6, 0, 0, 0},       // nothing that is
      {{3, 0, 0, 0}, 1, 1, 1, 1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.c.tp);
    CHECK(std::fabs(row.c.accuracy() - row.accuracy) < 5e-6);
    CHECK(std::fabs(row.c.precision() - row.precision) < 5e-6);
    CHECK(std::fabs(row.c.recall() - row.recall) < 5e-6);
    CHECK(std::fabs(row.c.f1() - row.f1) < 5e-6);
  }
}

TEST_CASE("metrics: decisions are counted") {
  const List scores = {2, -1, 0, -0.1, 5, 0.4};
  const std::vector<bool> positive = {true, true, true, false, false, false};
  Confusion c = confusion(scores, positive);
  CHECK(List{double(c.tp), double(c.fp), double(c.fn), double(c.tn)} == List{2, 2, 1, 1});
  c = confusion(scores, positive, 0.5);
  CHECK(List{double(c.tp), double(c.fp), double(c.fn), double(c.tn)} == List{1, 1, 2, 2});
  CHECK(c.total() == 6);
  CHECK(fails(Exit::failure, {"2", "1"}, [] { confusion({1, 2}, {true}); }));
  c = confusion({std::nan("")}, {true});  // NaN is never called positive
  CHECK(c.fn == 1);
}

TEST_CASE("metrics: the table for people") {
  CHECK(table({100, 10, 5, 50}, "cat", "dog") ==
        "  n = 165     predicted:\n"
        "                   cat         dog\n"
        "  actual: cat      100 TP       5 FN     105\n"
        "          dog       10 FP      50 TN      60\n"
        "                   110         55        165\n");
  const std::string wide = table({821, 11, 679, 1489}, "cat", "everything else");
  for (const char* words : {"predicted:", "actual: cat", "821 TP", "679 FN", "11 FP", "1489 TN", "1500", "832", "2168",
                            "3000", "everything else"}) {
    CHECK_MESSAGE(wide.find(words) != std::string::npos, words);
  }
}
