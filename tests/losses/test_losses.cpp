// Losses through their registry, and class weights.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "losses/binary.h"
#include "losses/class_weights.h"
#include "losses/loss.h"
#include "losses/multiclass.h"
#include "losses/true_class.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using List = std::vector<double>;
using Json = nlohmann::json;
using Counts = std::vector<int64_t>;

List values(const Var& x) { return numbers(x.value()); }

// A row in one of its forms with some of its parameters.
struct Case {
  const LossInfo* info;
  LossInfo::Outputs form;
  LossParams given;

  Index classes() const { return form == LossInfo::one_logit ? 2 : 3; }
  Shape shape(Index N) const { return form == LossInfo::one_logit ? Shape{N} : Shape{N, 3}; }
  Counts counts() const { return form == LossInfo::one_logit ? Counts{30, 5} : Counts{30, 5, 12}; }
  List weights() const { return form == LossInfo::one_logit ? List{0.5, 3} : List{0.5, 3, 1.25}; }
  Loss loss(const LossOptions& options = {}) const {
    LossOptions all = options;
    if (all.counts.empty()) all.counts = counts();
    return Loss(*info, form, given, all);
  }
  std::string str() const {
    std::string y = info->name + (form == LossInfo::one_logit ? ", one logit" : ", a logit per class");
    for (const auto& [name, value] : given) y += detail::text(" ", name, "=", value);
    return y;
  }
};

// Every row in every form: with its defaults, and with each parameter at its bounds, within, and by its word.
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const LossInfo& info : losses()) {
    for (const LossInfo::Outputs form : {LossInfo::one_logit, LossInfo::logit_per_class}) {
      if (!(info.outputs & form)) continue;
      all.push_back({&info, form, {}});
      for (const LossParam& p : info.params) {
        if (p.forms == LossParam::binary && form != LossInfo::one_logit) continue;
        if (p.forms == LossParam::multiclass && form == LossInfo::one_logit) continue;
        List candidates = {p.low, p.low + 0.3 * (std::min(p.high, 5.) - p.low), p.high};
        if (!p.word.empty()) candidates.push_back(-1);
        for (const double value : candidates) all.push_back({&info, form, {{p.name, value}}});
      }
    }
  }
  return all;
}

// Whether the gradient is the derivative of the value, so that finite differences must give it.
bool differentiable(const Case& c) {
  if (!c.info->is(LossInfo::stop_gradient)) return true;
  const LossParams p = resolve(*c.info, c.form, c.given);
  if (c.info->name == "ghm") return true;  // its weights are constant but for jumps
  if (c.info->name == "seesaw") return p.at("q") == 0;
  return c.info->name == "influence-balanced" && p.at("detach") == 0;
}

}  // namespace

TEST_CASE("losses: gradients of every row are those of finite differences, 1e-6") {
  int checked = 0;
  for (const TestBackend& machine : test_backends()) {
    for (const Case& c : cases()) {
      if (!differentiable(c)) continue;
      const std::string where = c.str() + " on " + machine.backend.name();
      CAPTURE(where);
      const std::vector<int32_t> classes =
          c.classes() == 2 ? std::vector<int32_t>{0, 1, 0, 1, 0, 0, 1} : std::vector<int32_t>{0, 1, 2, 1, 0, 1, 2};
      const Labels labels = make_labels(machine.backend, classes, 1, DType::f64);
      const Var z = leaves({{c.shape(7), Input::normal, 2}}, machine.backend, DType::f64)[0];
      for (const List& weights : {List{}, c.weights()}) {
        LossOptions options;
        options.class_weights = weights;
        Loss loss = c.loss(options);
        const auto each = [&] { return loss.per_sample(z, labels); };
        const auto mean = [&] { return loss(z, labels); };
        CHECK(each().shape() == (c.info->is(LossInfo::batch_level) ? Shape{} : Shape{7}));
        CHECK(mean().shape() == Shape{});
        for (const Gradcheck& check : {gradcheck(each, {z}), gradcheck(mean, {z})}) {
          CHECK_MESSAGE(check.error < 1e-6, check.where);
        }
        ++checked;
      }
    }
  }
  CHECK(checked > 300);
}

TEST_CASE("losses: values and gradients are finite at logits of +-1e4 in f32") {
  for (const TestBackend& machine : test_backends()) {
    for (const Case& c : cases()) {
      const std::string where = c.str() + " on " + machine.backend.name();
      CAPTURE(where);
      std::vector<float> logits;
      std::vector<int32_t> classes;
      for (const float z : {1e4f, -1e4f, 200.f, -200.f, 0.f}) {
        for (int32_t label = 0; label < c.classes(); ++label) {
          logits.push_back(z);
          if (c.classes() == 3) logits.insert(logits.end(), {-z, z / 3});
          classes.push_back(label);
        }
      }
      const Labels labels = make_labels(machine.backend, classes, 1);
      for (const List& weights : {List{}, c.weights()}) {
        const Var z(Tensor::from(machine.backend, c.shape(labels.size()), logits), true);
        LossOptions options;
        options.class_weights = weights;
        Loss loss = c.loss(options);
        loss.train(true);
        const Var y = loss.per_sample(z, labels);
        sum(y).backward();
        for (const double v : values(y)) CHECK((std::isfinite(v) && v >= 0));
        for (const double g : numbers(z.grad())) CHECK(std::isfinite(g));
        for (const auto& [name, state] : loss.state()) {
          for (const double v : state) CHECK(std::isfinite(v));
        }
      }
    }
  }
}

TEST_CASE("losses: values, gradients and states of other programs, 1e-9") {
  std::ifstream file(source_folder() + "/tests/losses/golden/losses.json");
  const Json golden = Json::parse(file);
  std::set<std::string> seen;
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    for (const Json& row : golden["cases"]) {
      const LossInfo& info = find_loss(row["loss"]);
      const bool binary = row["form"] == "b";
      const LossInfo::Outputs form = binary ? LossInfo::one_logit : LossInfo::logit_per_class;
      const std::string where = row["loss"].get<std::string>() + " " + row["params"].dump() + " on " + b.name();
      CAPTURE(where);
      const Index K = row["classes"];
      const auto list = [&](const char* name) { return row.contains(name) ? row[name].get<List>() : List(); };
      const List logits = list("logits");
      const Index N = static_cast<Index>(logits.size()) / (binary ? 1 : K);
      const auto classes = row.contains("labels") ? row["labels"].get<std::vector<int32_t>>() : std::vector<int32_t>(N);
      Labels labels = make_labels(b, classes, 1, DType::f64);
      if (row.contains("targets")) labels.positive = Tensor::from(b, {N}, list("targets"));
      if (row.contains("soft")) labels.probabilities = Tensor::from(b, {N, K}, list("soft"));

      LossOptions options;
      if (row.contains("counts")) options.counts = row["counts"].get<Counts>();
      else if (info.is(LossInfo::needs_counts)) FAIL("no counts");
      options.class_weights = list("class_weights");
      if (row.contains("reduction")) options.reduction = row["reduction"];
      Loss loss(info, form, row["params"].get<LossParams>(), options);
      loss.set_progress(row.value("progress", 1.0));
      loss.train(row.value("training", false));
      if (row.contains("state_before") && !row["state_before"].empty())
        loss.restore(row["state_before"].get<LossState>());
      if (row.contains("features")) {
        const Index D = row["feature_dim"];
        const Var h(Tensor::from(b, {N, D}, list("features")));
        loss.set_feature_norms(row_sum(abs(h)).value());
      }
      const Var z(Tensor::from(b, binary ? Shape{N} : Shape{N, K}, logits), true);
      Loss again = loss;
      const Var value = loss(z, labels);
      value.backward();
      CHECK(deviation(values(value), {row["value"].get<double>()}, 1e-6) < 1e-9);
      CHECK(deviation(numbers(z.grad()), list("gradient"), 1e-6) < 1e-9);
      if (row.contains("per_sample") && !info.is(LossInfo::batch_level)) {
        List each = list("per_sample");
        for (Index n = 0; n < N && !options.class_weights.empty() && !info.is(LossInfo::weighs_itself); ++n) {
          each[n] *= options.class_weights[classes[n]];
        }
        CHECK(deviation(values(again.per_sample(z, labels)), each, 1e-6) < 1e-9);
      }
      if (row.contains("state_after")) {
        for (const auto& [name, state] : row["state_after"].get<LossState>()) {
          REQUIRE(loss.state().count(name));
          CHECK(deviation(loss.state().at(name), state, 1e-6) < 1e-9);
        }
      }
      seen.insert(info.name + (binary ? " b" : " m"));
    }
  }
  for (const LossInfo& info : losses()) {
    if (info.outputs & LossInfo::one_logit) CHECK_MESSAGE(seen.count(info.name + " b"), info.name);
    if (info.outputs & LossInfo::logit_per_class) CHECK_MESSAGE(seen.count(info.name + " m"), info.name);
  }
}

// Computed in double by an independent program.
TEST_CASE("losses: golden values of binary losses, 1e-8") {
  struct Row {
    double z, y, bce, dbce, focal, dfocal, focal_half, dfocal_half;  // gamma 2 alpha 0.25; 0.5 none
    double asymmetric;
  };
  const Row rows[] = {
      {-5, 0, .00671534849, .00669285092, 2.25606767e-07, 6.73044575e-07, .000549381627, .000820393453, 0},
      {-5, 1, 5.00671535, -.993307149, 1.23498031, -.261544961, 4.98993262, -1.00667598, 4.97320615},
      {-1, 0, .313261688, .268941421, .0169935431, .0394358475, .162456140, .198854322, .000567797518},
      {-1, 1, 1.31326169, -.731058579, .175467076, -.192058681, 1.12286453, -.776061832, .960071223},
      {0, 0, .693147181, .5, .129965096, .223715096, .490129072, .476085659, .0245150535},
      {0, 1, .693147181, -.5, .0433216988, -.0745716988, .490129072, -.476085659, .34657359},
      {.5, 1, .474076984, -.377540669, .0168933726, -.0344842493, .291293465, -.322636533, .178983342},
      {2, 0, 2.12692801, .880797078, 1.23755863, .807535298, 1.99613874, .945607801, .846414951},
      {2, 1, .126928011, -.119202922, .000450890709, -.00121773505, .043822881, -.0604552668, .0151301898},
      {20, 1, 2.06115362e-09, -2.06115362e-09, 2.18912768e-27, -6.56738303e-27, 9.35762295e-14, -1.40364344e-13,
       4.24835424e-18},
  };
  for (const TestBackend& machine : test_backends()) {
    for (const Row& row : rows) {
      CAPTURE(row.z);
      CAPTURE(row.y);
      const Labels y = make_labels(machine.backend, {static_cast<int32_t>(row.y)}, 1, DType::f64);
      const auto check = [&](const char* name, const LossParams& params, double value, double gradient) {
        const Var z(Tensor::full(machine.backend, {1}, row.z, DType::f64), true);
        const Var loss = Loss(find_loss(name), LossInfo::one_logit, params)(z, y);
        loss.backward();
        // Nine digits are given, so small numbers agree to 1e-8 of themselves, too.
        CHECK(std::fabs(loss.value().item() - value) <= 1e-8 * std::max(value, 1e-20));
        if (gradient != 0) CHECK(std::fabs(z.grad().item() - gradient) < 1e-8 * std::max(std::fabs(gradient), 1e-20));
      };
      check("bce", {}, row.bce, row.dbce);
      check("focal", {{"gamma", 2}, {"alpha", 0.25}}, row.focal, row.dfocal);
      check("focal", {{"gamma", 0.5}, {"alpha", -1}}, row.focal_half, row.dfocal_half);
      check("asymmetric", {}, row.asymmetric, 0);
    }
  }
}

TEST_CASE("losses: golden values with four classes, 1e-9") {
  struct Row {
    const char* name;
    LossParams params;
    double first, last;  // labels 0 and 3
  };
  const Row rows[] = {
      {"cross-entropy", {}, 1.3439104981, .5439104981},
      {"cross-entropy", {{"label-smoothing", .1}}, 1.3864104981, .6664104981},
      {"focal", {}, .7342879299, .0957294317},
      {"logit-adjusted", {}, .0608820419, 3.8660522279},
      {"balanced-softmax", {}, .0608820419, 3.8660522279},
      {"cdt", {{"gamma", .3}}, .7345605776, 1.4321832913},
      {"vs", {}, .0455865564, 5.3483794561},
      {"poly1", {}, 2.0830867770, .9634366318},
      {"gce", {}, .8709429820, .4523466418},
      {"seesaw", {}, .2970610188, .5439104981},
      {"softmax-equalization", {{"gamma", 1}, {"lambda", .05}}, .1839007409, .4318128818},
  };
  const Counts counts = {1000, 100, 50, 10};
  for (const TestBackend& machine : test_backends()) {
    Backend& b = machine.backend;
    const List logits = {1.2, -0.4, 0.3, 2};
    for (const Row& row : rows) {
      CAPTURE(row.name);
      for (const auto& [label, value] : {std::pair<int32_t, double>{0, row.first}, {3, row.last}}) {
        Loss loss(find_loss(row.name), LossInfo::logit_per_class, row.params, {counts});
        const Tensor z = Tensor::from(b, {1, 4}, logits);
        CHECK(std::fabs(loss(z, make_labels(b, {label}, 1, DType::f64)).value().item() - value) < 1e-9);
      }
    }
    const auto single = [&](const char* name, const LossParams& params, const LossOptions& options, double divisor,
                            int32_t label) {
      List scaled = logits;
      for (double& v : scaled) v /= divisor;
      return Loss(find_loss(name), LossInfo::logit_per_class, params, options)(Tensor::from(b, {1, 4}, scaled),
                                                                               make_labels(b, {label}, 1, DType::f64))
          .value()
          .item();
    };
    CHECK(std::fabs(single("ldam", {}, {counts}, 4, 0) - 10.7434409946) < 1e-9);
    CHECK(std::fabs(single("ldam", {}, {counts}, 4, 3) - 9.0012995888) < 1e-9);
    const LossOptions balanced = {counts, balanced_weights(counts)};
    CHECK(std::fabs(single("cross-entropy", {{"label-smoothing", .1}}, balanced, 1, 0) - 4.4608263296) < 1e-9);
    CHECK(std::fabs(single("cross-entropy", {{"label-smoothing", .1}}, balanced, 1, 3) - .5220325171) < 1e-9);
  }
}

namespace {

// Value and gradient of a loss on fixed logits: [N] for one logit, else [N, K].
std::pair<List, List> outcome(Backend& b, const char* name, LossInfo::Outputs form, const LossParams& params,
                              const LossOptions& options = {}, DType dtype = DType::f64) {
  const bool binary = form == LossInfo::one_logit;
  const Var z = leaves({{binary ? Shape{32} : Shape{32, 3}, Input::normal, 3}}, b, dtype)[0];
  std::vector<int32_t> classes(32);
  for (int i = 0; i < 32; ++i) classes[i] = i % (binary ? 2 : 3);
  Loss loss(find_loss(name), form, params, options);
  const Var y = loss.per_sample(z, make_labels(b, classes, 1, dtype));
  sum(y).backward();
  return {values(y), numbers(z.grad())};
}

}  // namespace

TEST_CASE("losses: at their limits they are their parents") {
  struct Limit {
    const char* name;
    LossParams params;
    const char* parent;
    LossParams parent_params;
  };
  const Limit binary[] = {
      {"weighted-bce", {}, "bce", {}},
      {"balanced-bce", {{"alpha", -1}}, "bce", {}},
      {"focal", {{"gamma", 0}, {"alpha", -1}}, "bce", {}},
      {"focal", {{"gamma", 0}, {"alpha", 0.3}}, "balanced-bce", {{"alpha", 0.3}}},
      {"focal", {{"gamma", 1e-9}, {"alpha", -1}}, "bce", {}},
      {"class-balanced", {{"beta", 0}}, "bce", {}},
      {"class-balanced", {{"beta", 0}, {"gamma", 2}}, "focal", {{"gamma", 2}, {"alpha", -1}}},
      {"logit-adjusted", {{"tau", 0}}, "bce", {}},
      {"balanced-softmax", {}, "logit-adjusted", {{"tau", 1}}},
      {"cdt", {{"gamma", 0}}, "bce", {}},
      {"vs", {{"gamma", 0}, {"tau", 0}}, "bce", {}},
      {"vs", {{"gamma", 0}, {"tau", 1.5}}, "logit-adjusted", {{"tau", 1.5}}},
      {"vs", {{"gamma", 0.4}, {"tau", 0}}, "cdt", {{"gamma", 0.4}}},
      {"asymmetric", {{"gamma-neg", 0}, {"gamma-pos", 0}, {"clip", 0}}, "bce", {}},
      {"asymmetric", {{"gamma-neg", 2}, {"gamma-pos", 2}, {"clip", 0}}, "focal", {{"gamma", 2}, {"alpha", -1}}},
      {"asymmetric", {{"clip", 1e-12}}, "asymmetric", {{"clip", 0}}},
      {"poly1", {{"epsilon", 0}}, "bce", {}},
      {"poly1", {{"epsilon", 0}, {"gamma", 2}}, "focal", {{"gamma", 2}, {"alpha", -1}}},
      {"gce", {{"q", 0}}, "bce", {}},
      {"gce", {{"q", 1e-9}}, "bce", {}},
      {"sce", {{"alpha", 1}, {"beta", 0}}, "bce", {}},
      {"sce", {{"alpha", 0}, {"beta", 0.25}}, "gce", {{"q", 1}}},
      {"smooth-l1", {{"beta", 0}}, "l1", {}},
      {"smooth-l1", {{"beta", 1}}, "huber", {{"delta", 1}}},
      {"quality-focal", {{"beta", 0}}, "bce", {}},
      {"quality-focal", {{"beta", 2}}, "focal", {{"gamma", 2}, {"alpha", -1}}},
      {"tversky", {{"alpha", 0.5}, {"beta", 0.5}, {"smooth", 0.5}}, "dice", {{"smooth", 1}}},
      {"focal-tversky", {{"gamma", 1}}, "tversky", {}},
      {"soft-f1", {}, "dice", {{"smooth", 1e-7}}},
      {"ghm", {{"bins", 1}}, "bce", {}},
  };
  const Limit multiclass[] = {
      {"focal", {{"gamma", 0}}, "cross-entropy", {}},
      {"class-balanced", {{"beta", 0}}, "cross-entropy", {}},
      {"ldam", {{"max-margin", 0}, {"scale", 1}}, "cross-entropy", {}},
      {"logit-adjusted", {{"tau", 0}}, "cross-entropy", {}},
      {"balanced-softmax", {}, "logit-adjusted", {{"tau", 1}}},
      {"cdt", {{"gamma", 0}}, "cross-entropy", {}},
      {"vs", {{"gamma", 0}, {"tau", 0}}, "cross-entropy", {}},
      {"poly1", {{"epsilon", 0}}, "cross-entropy", {}},
      {"gce", {{"q", 0}}, "cross-entropy", {}},
      {"sce", {{"alpha", 1}, {"beta", 0}}, "cross-entropy", {}},
      {"softmax-equalization", {{"lambda", 0}}, "cross-entropy", {}},
      {"softmax-equalization", {{"gamma", 0}, {"lambda", 1}}, "cross-entropy", {}},
      {"seesaw", {{"p", 0}, {"q", 0}}, "cross-entropy", {}},
      {"equalization", {{"lambda", 0}}, "equalization-v2", {{"alpha", 0}}},  // f(100) = 1: both plain sigmoids
      {"asymmetric", {{"gamma-neg", 0}, {"gamma-pos", 0}, {"clip", 0}}, "equalization", {{"lambda", 0}}},
      {"cross-entropy", {{"label-smoothing", 1e-12}}, "cross-entropy", {}},
  };
  for (const TestBackend& machine : test_backends()) {
    for (const DType dtype : {DType::f32, DType::f64}) {
      const double tolerance = dtype == DType::f32 ? 1e-5 : 1e-8;
      const auto check = [&](const Limit& limit, LossInfo::Outputs form, const Counts& counts) {
        const std::string where = detail::text(limit.name, " and ", limit.parent, " in ", name(dtype));
        CAPTURE(where);
        const auto a = outcome(machine.backend, limit.name, form, limit.params, {counts}, dtype);
        const auto b = outcome(machine.backend, limit.parent, form, limit.parent_params, {counts}, dtype);
        CHECK(deviation(a.first, b.first) < tolerance);
        CHECK(deviation(a.second, b.second) < tolerance);
      };
      for (const Limit& limit : binary) check(limit, LossInfo::one_logit, {900, 100});
      for (const Limit& limit : multiclass) check(limit, LossInfo::logit_per_class, {900, 100, 30});
    }
  }
  // Focal with alpha = 0.75 weighs positives three times as much as negatives.
  Backend& b = guarded_cpu();
  const Var z(Tensor::full(b, {2}, 0, DType::f64));
  const Labels labels = make_labels(b, {1, 0}, 1, DType::f64);
  Loss weighing(find_loss("focal"), LossInfo::one_logit, {});
  const List weighed = values(weighing.per_sample(z, labels));
  CHECK(weighed[0] == doctest::Approx(3 * weighed[1]));
  CHECK(values(mse(z + 3, Tensor::from<double>(b, {2}, {1, 0}))) == List{4, 9});
}

TEST_CASE("losses: two classes with a logit each are one logit, their difference") {
  Backend& b = guarded_cpu();
  const std::vector<int32_t> classes = {0, 1, 1, 0, 1};
  const Labels labels = make_labels(b, classes, 1, DType::f64);
  const Var z = leaves({{{5, 2}, Input::normal, 3}}, b, DType::f64)[0];
  const List both = values(z);
  List difference;
  for (int n = 0; n < 5; ++n) difference.push_back(both[2 * n + 1] - both[2 * n]);
  const Tensor one = Tensor::from(b, {5}, difference);
  for (const char* name : {"focal", "class-balanced", "logit-adjusted", "balanced-softmax", "poly1", "gce", "sce"}) {
    CAPTURE(name);
    LossParams alpha;
    if (std::string(name) == "focal") alpha["alpha"] = -1;
    Loss pair(find_loss(name), LossInfo::logit_per_class, {}, {{70, 11}});
    Loss single(find_loss(name), LossInfo::one_logit, alpha, {{70, 11}});
    CHECK(deviation(values(pair.per_sample(z, labels)), values(single.per_sample(one, labels))) < 1e-12);
  }
}

TEST_CASE("losses: softmax losses do not care for a common shift, but scaled ones do") {
  Backend& b = guarded_cpu();
  const Labels labels = make_labels(b, {0, 1, 2, 1}, 1, DType::f64);
  const Var z = leaves({{{4, 3}, Input::normal, 2}}, b, DType::f64)[0];
  for (const char* name : {"cross-entropy", "focal", "class-balanced", "ldam", "logit-adjusted", "poly1", "gce", "sce",
                           "seesaw", "dice", "hinge", "influence-balanced", "cdt", "vs", "equalization"}) {
    CAPTURE(name);
    Loss loss(find_loss(name), LossInfo::logit_per_class, {}, {{70, 11, 3}});
    const bool scaled = std::string(name) == "cdt" || std::string(name) == "vs" || std::string(name) == "equalization";
    CHECK((deviation(values(loss(z + 2.5, labels)), values(loss(z, labels))) < 1e-9) == !scaled);
  }
}

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
      return Loss(info, info.form(), {}, {{}, w, reduction})(z, labels).value().item();
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
    // Without a positive sample there is nothing to divide by, so it is 1.
    const Labels none = make_labels(b, {1, 1, 1, 1}, 0, DType::f64);
    is(Loss(find_loss("bce"), LossInfo::one_logit, {}, {{}, {}, "positives"})(zero, none).value().item(), 4 * log2);
  }
}

TEST_CASE("losses: soft targets and ignored labels") {
  Backend& b = guarded_cpu();
  const Var z = leaves({{{3, 3}, Input::normal, 2}}, b, DType::f64)[0];
  // One-hot soft targets are labels.
  Labels hard = make_labels(b, {2, 0, 1}, 1, DType::f64), soft = hard;
  soft.probabilities = one_hot(z, hard);
  Loss loss(find_loss("cross-entropy"), LossInfo::logit_per_class, {});
  CHECK(deviation(values(loss.per_sample(z, soft)), values(loss.per_sample(z, hard))) < 1e-13);
  // An ignored sample counts neither above nor below the fraction, whatever its logits.
  const Labels ignoring = make_labels(b, {2, -100, 1}, 1, DType::f64);
  const List each = values(loss.per_sample(z, hard));
  CHECK(values(loss.per_sample(z, ignoring))[1] == 0);
  CHECK(loss(z, ignoring).value().item() == doctest::Approx((each[0] + each[2]) / 2).epsilon(1e-12));
  Loss weighted(find_loss("cross-entropy"), LossInfo::logit_per_class, {}, {{}, {1, 2, 4}});
  CHECK(weighted(z, ignoring).value().item() == doctest::Approx((4 * each[0] + 2 * each[2]) / 6).epsilon(1e-12));
  CHECK(fails(ErrorKind::failure, {"cross-entropy", "ignored"}, [&] {
    loss(z, make_labels(b, {-100, -100, -100}, 1, DType::f64));
  }));
  // Logits of minus infinity are classes that cannot be.
  const Var masked(Tensor::from<double>(b, {1, 3}, {0, -std::numeric_limits<double>::infinity(), 0}), true);
  Loss smoothed(find_loss("cross-entropy"), LossInfo::logit_per_class, {}, {{}, {1, 1, 1}});
  const Var value = smoothed(masked, make_labels(b, {2}, 1, DType::f64));
  value.backward();
  CHECK(value.value().item() == doctest::Approx(std::log(2.)));
  for (const double g : numbers(masked.grad())) CHECK(std::isfinite(g));
}

TEST_CASE("losses: soft targets are never ignored, whatever the class beside them") {
  Backend& b = guarded_cpu();
  Labels labels = make_labels(b, {-1, 0}, 1, DType::f64);
  labels.probabilities = Tensor::full(b, {2, 2}, 0.5, DType::f64);
  Loss loss(find_loss("cross-entropy"), LossInfo::logit_per_class, {{"ignore-index", -1}});
  const Var z(Tensor::zeros(b, {2, 2}, DType::f64));
  CHECK(loss(z, labels).value().item() == doctest::Approx(std::log(2.)));
}

TEST_CASE("losses: mixed samples") {
  Backend& b = guarded_cpu();
  for (const Case& c : cases()) {
    if (!c.given.empty()) continue;
    CAPTURE(c.str());
    const Labels one = make_labels(b, {0, 1, 1, 0}, 1, DType::f64), other = make_labels(b, {1, 1, 0, 0}, 1, DType::f64);
    const Var z = leaves({{c.shape(4), Input::normal, 2}}, b, DType::f64)[0];
    Loss loss = c.loss();
    if (c.info->is(LossInfo::stateful)) {
      CHECK(fails(ErrorKind::invalid_argument, {c.info->name, "mixed"}, [&] {
        loss.mixed(z, one, other, {1, 1, 1, 1});
      }));
      continue;
    }
    // All of one's own, all of the other's, and labels that agree are nothing special.
    CHECK(deviation(values(loss.mixed(z, one, other, {1, 1, 1, 1})), values(loss(z, one))) < 1e-12);
    CHECK(deviation(values(loss.mixed(z, one, other, {0, 0, 0, 0})), values(loss(z, other))) < 1e-12);
    CHECK(deviation(values(loss.mixed(z, one, one, {0.3f, 0.5f, 0.2f, 1})), values(loss(z, one))) < 1e-7);
    if (c.info->is(LossInfo::batch_level)) continue;
    // In between the loss is, too.
    const double mixed = loss.mixed(z, one, other, {0.25f, 0.25f, 0.25f, 0.25f}).value().item();
    CHECK(mixed == doctest::Approx(0.25 * loss(z, one).value().item() + 0.75 * loss(z, other).value().item()));
  }
  // For cross-entropy mixing is the same as soft targets.
  const Var z = leaves({{{2, 3}, Input::normal, 2}}, b, DType::f64)[0];
  Loss loss(find_loss("cross-entropy"), LossInfo::logit_per_class, {});
  const Labels one = make_labels(b, {0, 1}, 1, DType::f64), other = make_labels(b, {2, 0}, 1, DType::f64);
  Labels soft = one;
  soft.probabilities = Tensor::from<double>(b, {2, 3}, {0.75, 0, 0.25, 0.5, 0.5, 0});
  CHECK(deviation(values(loss.mixed(z, one, other, {0.75f, 0.5f})), values(loss(z, soft))) < 1e-12);
}

TEST_CASE("losses: what they remember can be saved and restored") {
  Backend& b = guarded_cpu();
  for (const Case& c : cases()) {
    if (!c.info->is(LossInfo::stateful)) continue;
    CAPTURE(c.str());
    const auto step = [&](Loss& loss, int i) {
      const Var z = leaves({{c.shape(6), Input::normal, double(1 + i)}}, b, DType::f64)[0];
      std::vector<int32_t> classes;
      for (int n = 0; n < 6; ++n) classes.push_back((n * (i + 1)) % static_cast<int>(c.classes()));
      const Var value = loss(z, make_labels(b, classes, 1, DType::f64));
      value.backward();
      List all = numbers(z.grad());
      all.push_back(value.value().item());
      return all;
    };
    Loss through = c.loss(), first = c.loss();
    through.train(true), first.train(true);
    for (int i = 0; i < 3; ++i) step(through, i), step(first, i);
    Loss second = c.loss();
    second.train(true);
    second.restore(Json::parse(Json(first.state()).dump()).get<LossState>());  // by way of a file
    for (int i = 3; i < 6; ++i) CHECK(step(through, i) == step(second, i));
    // Looking does not move the state.
    const LossState before = through.state();
    through.train(false);
    step(through, 9);
    for (const auto& [name, state] : before) CHECK(through.state().at(name) == state);
  }
  Loss plain(find_loss("bce"), LossInfo::one_logit, {});
  CHECK(fails(ErrorKind::bad_data, {"bce", "state"}, [&] { plain.restore({{"seen", {1, 2}}}); }));
}

TEST_CASE("losses: class weights can be put off, and influence-balanced starts late") {
  Backend& b = guarded_cpu();
  const Labels labels = make_labels(b, {0, 1}, 1, DType::f64);
  const Var z(Tensor::zeros(b, {2}, DType::f64));
  LossOptions options;
  options.class_weights = {1, 5};
  options.defer_weights = 0.8;
  Loss loss(find_loss("bce"), LossInfo::one_logit, {}, options);
  const double log2 = std::log(2.);
  for (const auto& [progress, mean] :
       {std::pair<double, double>{0, log2}, {0.79, log2}, {0.8, 3 * log2}, {1, 3 * log2}}) {
    loss.set_progress(progress);
    CHECK(loss(z, labels).value().item() == doctest::Approx(mean));
  }
  CHECK(find_loss("ldam").defaults.defer_weights == 0.8);
  const Var pair(Tensor::zeros(b, {2, 2}, DType::f64));
  Loss influence(find_loss("influence-balanced"), LossInfo::logit_per_class, {{"alpha", 2}, {"eps", 1}}, {{30, 10}});
  influence.set_progress(0.49);
  CHECK(influence(pair, labels).value().item() == doctest::Approx(log2));
  influence.set_progress(0.5);  // weights lambda alpha / (2 (1 - 1/2) + 1) with lambda = 0.5 and 1.5, whose mean is 1
  CHECK(influence(pair, labels).value().item() == doctest::Approx(log2));
  CHECK(values(influence.per_sample(pair, labels))[1] == doctest::Approx(1.5 * log2));
  influence.set_feature_norms(Tensor::full(b, {2}, 3, DType::f64));
  CHECK(values(influence.per_sample(pair, labels))[1] == doctest::Approx(1.5 * 2 / (3. + 1) * log2));
}

TEST_CASE("losses: one class only, and classes without samples") {
  Backend& b = guarded_cpu();
  for (const Case& c : cases()) {
    if (!c.given.empty()) continue;
    CAPTURE(c.str());
    const Counts counts = c.classes() == 2 ? Counts{40, 0} : Counts{40, 7, 0};
    for (const int32_t label : {0, 1}) {
      LossOptions options;
      options.counts = counts;
      Loss loss = c.loss(options);
      loss.train(true);
      const Var z = leaves({{c.shape(5), Input::normal, 2}}, b, DType::f64)[0];
      const Var y = loss(z, make_labels(b, std::vector<int32_t>(5, label), 1, DType::f64));
      y.backward();
      CHECK(std::isfinite(y.value().item()));
      for (const double g : numbers(z.grad())) CHECK(std::isfinite(g));
    }
  }
}

TEST_CASE("losses: what cannot be computed is said") {
  Backend& b = guarded_cpu();
  const LossInfo &focal = find_loss("focal"), &cross = find_loss("cross-entropy");
  const auto one = LossInfo::one_logit, each = LossInfo::logit_per_class;
  const LossParams params = resolve(focal, one, {});
  CHECK(params.size() == 2);
  for (const LossParam& p : focal.params) CHECK(params.at(p.name) == p.value);
  CHECK(resolve(focal, one, {{"alpha", -1}}).at("alpha") == -1);
  CHECK(resolve(focal, each, {}).at("alpha") == -1);
  CHECK(fails(ErrorKind::invalid_argument, loss_names(), [] { find_loss("focl"); }));
  CHECK(fails(ErrorKind::invalid_argument, {"beta", "focal", "gamma", "alpha"}, [&] {
    resolve(focal, one, {{"beta", 1}});
  }));
  CHECK(fails(ErrorKind::invalid_argument, {"alpha", "focal", "a logit for each class", "gamma"}, [&] {
    resolve(focal, each, {{"alpha", 0.5}});
  }));
  CHECK(fails(ErrorKind::invalid_argument, {"gamma", "mse", "no parameters"}, [] {
    resolve(find_loss("mse"), one, {{"gamma", 2}});
  }));
  CHECK(fails(ErrorKind::invalid_argument, {"gamma", "-1", "0"}, [&] { resolve(focal, one, {{"gamma", -1}}); }));
  CHECK(fails(ErrorKind::invalid_argument, {"alpha", "1.5", "none"}, [&] { resolve(focal, one, {{"alpha", 1.5}}); }));
  CHECK(fails(ErrorKind::invalid_argument, {"gamma"}, [&] { resolve(focal, one, {{"gamma", std::nan("")}}); }));
  CHECK(fails(ErrorKind::invalid_argument, {"cross-entropy", "a logit for each class"},
              [&] { resolve(cross, one, {}); }));
  CHECK(fails(ErrorKind::invalid_argument, {"bce", "one logit"}, [&] { resolve(find_loss("bce"), each, {}); }));
  // Each bound of each parameter is one.
  for (const LossInfo& info : losses()) {
    for (const LossParam& p : info.params) {
      CAPTURE(info.name);
      CAPTURE(p.name);
      CHECK(p.low <= p.value);
      CHECK(p.value <= p.high);
      const auto form = p.forms == LossParam::multiclass ? each : info.form();
      CHECK(fails(ErrorKind::invalid_argument, {p.name, "out of range"}, [&] {
        resolve(info, form, {{p.name, p.high * 1.01}});
      }));
      const double below = p.low == 0 ? -0.5 : p.low - std::fabs(p.low) * 0.01;
      CHECK(fails(ErrorKind::invalid_argument, {p.name, "out of range"}, [&] {
        resolve(info, form, {{p.name, below}});
      }));
    }
    if (info.is(LossInfo::needs_counts)) {
      CHECK(fails(ErrorKind::invalid_argument, {info.name, "training samples of each class"},
                  [&] { Loss(info, info.form(), {}); }));
    }
    if (info.is(LossInfo::batch_level)) {
      CHECK(fails(ErrorKind::invalid_argument, {info.name, "whole batch"}, [&] {
        Loss(info, info.form(), {}, {{}, {}, "sum"});
      }));
    }
    CHECK(fails(ErrorKind::failure, {info.name, "empty"}, [&] {
      Loss loss(info, info.form(), {}, {{3, 4}});
      loss(Tensor::zeros(b, info.form() == one ? Shape{0} : Shape{0, 2}), make_labels(b, {}, 1));
    }));
  }
  CHECK(fails(ErrorKind::invalid_argument, {"reduction", "average", "mean, weighted-mean, sum, positives"}, [&] {
    Loss(focal, one, {}, {{}, {}, "average"});
  }));
  CHECK(fails(ErrorKind::invalid_argument, {"vs", "3"}, [&] { Loss(find_loss("vs"), one, {}, {{1, 2, 3}}); }));
  CHECK(fails(ErrorKind::invalid_argument, {"vs", "-2"}, [&] { Loss(find_loss("vs"), one, {}, {{1, -2}}); }));
  CHECK(fails(ErrorKind::invalid_argument, {"pos-weight auto"}, [&] {
    Loss(find_loss("bce"), one, {{"pos-weight", -1}})(Tensor::zeros(b, {1}), make_labels(b, {1}, 1));
  }));

  const auto with = [&](const LossInfo& loss, const Shape& z, const std::vector<int32_t>& classes,
                        const List& weights = {}) {
    return [&, z, classes, weights] {
      Loss(loss, loss.form(), {}, {{}, weights})(Tensor::zeros(b, z), make_labels(b, classes, 0));
    };
  };
  CHECK(fails(ErrorKind::failure, {"focal", "2 labels", "[3]"}, with(focal, {3}, {0, 1})));
  CHECK(fails(ErrorKind::failure, {"focal", "[2, 3]"}, with(focal, {2, 3}, {0, 1})));
  CHECK(fails(ErrorKind::failure, {"[2]"}, with(cross, {2}, {0, 1})));
  CHECK(fails(ErrorKind::failure, {"label 2"}, with(cross, {2, 2}, {0, 2})));
  CHECK(fails(ErrorKind::failure, {"label 1"}, with(focal, {2}, {0, 1}, {1})));
  CHECK(fails(ErrorKind::failure, {"weights", "0"}, with(cross, {2, 2}, {0, 0}, {0, 1})));
  CHECK(fails(ErrorKind::failure, {"weights of 3"}, with(cross, {2, 2}, {0, 0}, {0, 1, 1})));
}

// -- class weights --

TEST_CASE("class weights: balanced ones are N / (K n)") {
  CHECK(balanced_weights({1000, 11000}) == List{6, 12000. / 22000});
  CHECK(balanced_weights({1000, 11000})[1] == doctest::Approx(0.5454545454545454).epsilon(1e-15));
  CHECK(balanced_weights({500, 11000})[0] == 11.5);
  CHECK(balanced_weights({1000, 100, 50, 10})[3] == 29);
  CHECK(balanced_weights({3, 0}) == List{0.5, 0});
  CHECK(balanced_weights({0, 0}) == List{0, 0});
}

TEST_CASE("class weights: the schemes") {
  const Counts counts = {1000, 100, 50, 10};
  const auto close = [](const List& a, const List& b) { return deviation(a, b) < 1e-6; };
  CHECK(close(effective_weights(counts, 0.999), {.0475537, .3158189, .6162276, 3.0203997}));
  CHECK(effective_weights(counts, 0) == List{1, 1, 1, 1});
  CHECK(close(effective_weights(counts, 1 - 1e-12), inverse_weights(counts)));
  CHECK(close(inverse_weights({1000, 11000}), {2 * 11. / 12, 2 * 1. / 12}));
  CHECK(close(inverse_weights({100, 400}, 0.5), {2 * 2. / 3, 2 * 1. / 3}));
  CHECK(inverse_weights(counts, 0) == List{1, 1, 1, 1});
  CHECK(median_weights(counts) == List{.075, .75, 1.5, 7.5});
  CHECK(median_weights({10, 0, 30, 20}) == List{2, 0, 20. / 30, 1});
  for (const List& weights : {inverse_weights({4, 0}), effective_weights({4, 0}, 0.9)}) CHECK(weights == List{2, 0});
  CHECK(inverse_weights({0, 0}) == List{0, 0});
  CHECK(fails(ErrorKind::failure, {"beta"}, [] { effective_weights({1}, 1); }));
}

TEST_CASE("class weights: as they are written on the command line") {
  const std::vector<std::string> classes = {"cat", "dog"};
  const std::vector<int64_t> counts = {1000, 11000};
  const auto parse = [&](const std::string& spec) { return parse_class_weights(spec, classes, counts); };
  CHECK(parse("none").empty());
  CHECK(parse("balanced") == balanced_weights(counts));
  CHECK(parse("inverse") == inverse_weights(counts));
  CHECK(parse("sqrt") == inverse_weights(counts, 0.5));
  CHECK(parse("median") == median_weights(counts));
  CHECK(parse("effective") == effective_weights(counts, 0.999));
  CHECK(parse("effective=0.9") == effective_weights(counts, 0.9));
  CHECK(fails(ErrorKind::invalid_argument, {"none, balanced, inverse, sqrt, effective", "median", "cat=NUMBER"},
              [&] { parse("automatic"); }));
  CHECK(fails(ErrorKind::invalid_argument, {"beta"}, [&] { parse("effective=1"); }));
  CHECK(parse("cat=6,dog=0.55") == List{6, 0.55});
  CHECK(parse("dog=1e-3,cat=0") == List{0, 0.001});
  for (const std::string bad : {"cat=6", "cat=6,dog", "cat=6,cow=1", "cat=,dog=1", "cat=x,dog=1", "cat=-1,dog=1",
                                "cat=1x,dog=1", "cat=nan,dog=1", "cat=inf,dog=1", "", "6,0.5", "cat=1,cat=2,dog=1"}) {
    CAPTURE(bad);
    CHECK(fails(ErrorKind::invalid_argument, {}, [&] { parse(bad); }));
  }
  CHECK(fails(ErrorKind::invalid_argument, {"cow", "cat=NUMBER,dog=NUMBER"}, [&] { parse("cow=1,dog=1"); }));
  CHECK(parse_per_class("dog=11000", classes, -1) == List{-1, 11000});
  CHECK(fails(ErrorKind::invalid_argument, {"twice"}, [&] { parse_per_class("cat=1,cat=2", classes, 0); }));
}
