// Values of losses: PyTorch's in golden/losses.json, some computed by hand, and the limits at which two losses are
// equal.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "losses/binary.h"
#include "losses/class_weights.h"
#include "tests/golden.h"
#include "tests/losses/cases.h"

using namespace counterpoise;

using Json = nlohmann::json;

TEST_CASE("losses golden: values, gradients and states are PyTorch's, 1e-9") {
  const Json& golden = read_golden("losses/golden/losses.json");
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
      const List soft = list("soft");
      std::vector<List> rows;
      for (auto at = soft.begin(); at != soft.end(); at += K) rows.emplace_back(at, at + K);
      const Labels labels = row.contains("targets") ? make_soft_labels(b, list("targets"), 1, DType::f64)
                            : !rows.empty()         ? make_soft_labels(b, rows, 1, DType::f64)
                                                    : make_labels(b, classes, 1, DType::f64);

      LossOptions options;
      if (row.contains("counts")) options.counts = row["counts"].get<Counts>();
      else if (info.is(LossInfo::needs_counts)) FAIL("no counts");
      options.class_weights = list("class_weights");
      if (row.contains("reduction")) options.reduction = row["reduction"];
      Loss loss(resolve(info, form, row["params"].get<LossParams>()), options);
      loss.set_progress(row.value("progress", 1.0));
      loss.train(row.value("training", false));
      if (row.contains("state_before") && !row["state_before"].empty())
        loss.restore(row["state_before"].get<LossState>());
      if (row.contains("features")) {
        const Index D = row["feature_dim"];
        const Var h(Tensor::from(b, {N, D}, list("features")));
        loss.set_feature_norms(row_sum(abs(h)));
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
        const Var loss = Loss(resolve(name, LossInfo::one_logit, params))(z, y);
        loss.backward();
        // The rows have nine digits, so small numbers, too, agree to a relative 1e-8.
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
        Loss loss(resolve(row.name, LossInfo::logit_per_class, row.params), {counts});
        const Tensor z = Tensor::from(b, {1, 4}, logits);
        CHECK(std::fabs(loss(z, make_labels(b, {label}, 1, DType::f64)).value().item() - value) < 1e-9);
      }
    }
    const auto single = [&](const char* name, const LossParams& params, const LossOptions& options, double divisor,
                            int32_t label) {
      List scaled = logits;
      for (double& v : scaled) v /= divisor;
      return Loss(resolve(name, LossInfo::logit_per_class, params), options)(Tensor::from(b, {1, 4}, scaled),
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
  Loss loss(resolve(name, form, params), options);
  const Var y = loss.per_sample(z, make_labels(b, classes, 1, dtype));
  sum(y).backward();
  return {values(y), numbers(z.grad())};
}

}  // namespace

TEST_CASE("losses: at the limits of their parameters they equal simpler losses") {
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
  // Focal loss with alpha = 0.75 weights positives three times as much as negatives.
  Backend& b = guarded_cpu();
  const Var z(Tensor::full(b, {2}, 0, DType::f64));
  const Labels labels = make_labels(b, {1, 0}, 1, DType::f64);
  Loss weighing(resolve("focal", LossInfo::one_logit));
  const List weighed = values(weighing.per_sample(z, labels));
  CHECK(weighed[0] == doctest::Approx(3 * weighed[1]));
  CHECK(values(mse(z + 3, Tensor::from<double>(b, {2}, {1, 0}))) == List{4, 9});
}

TEST_CASE("losses: two classes with a logit each equal one logit, their difference") {
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
    Loss pair(resolve(name, LossInfo::logit_per_class), {{70, 11}});
    Loss single(resolve(name, LossInfo::one_logit, alpha), {{70, 11}});
    CHECK(deviation(values(pair.per_sample(z, labels)), values(single.per_sample(one, labels))) < 1e-12);
  }
}

TEST_CASE("losses: softmax losses are invariant to a common shift of the logits, unless they scale logits per class") {
  Backend& b = guarded_cpu();
  const Labels labels = make_labels(b, {0, 1, 2, 1}, 1, DType::f64);
  const Var z = leaves({{{4, 3}, Input::normal, 2}}, b, DType::f64)[0];
  for (const char* name : {"cross-entropy", "focal", "class-balanced", "ldam", "logit-adjusted", "poly1", "gce", "sce",
                           "seesaw", "dice", "hinge", "influence-balanced", "cdt", "vs", "equalization"}) {
    CAPTURE(name);
    Loss loss(resolve(name, LossInfo::logit_per_class), {{70, 11, 3}});
    const bool scaled = std::string(name) == "cdt" || std::string(name) == "vs" || std::string(name) == "equalization";
    CHECK((deviation(values(loss(z + 2.5, labels)), values(loss(z, labels))) < 1e-9) == !scaled);
  }
}
