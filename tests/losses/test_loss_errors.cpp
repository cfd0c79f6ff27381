// Errors of losses, their messages, and the resolution of parameters.
#include <cmath>

#include "tests/losses/cases.h"

using namespace counterpoise;

TEST_CASE("losses: errors name the loss, what is wrong, and what is valid") {
  Backend& b = guarded_cpu();
  const LossInfo &focal = find_loss("focal"), &cross = find_loss("cross-entropy");
  const auto one = LossInfo::one_logit, each = LossInfo::logit_per_class;
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
  // A loss of classes would take a probability for something else.
  const Labels half = make_soft_labels(b, List{0.5, 1}, 1),
               rows = make_soft_labels(b, std::vector<List>{{0.5, 0.5}}, 1);
  const Var logits = Tensor::zeros(b, {2}), logit_rows = Tensor::zeros(b, {1, 2});
  CHECK(fails(ErrorKind::failure, {"focal", "not soft targets"}, [&] { Loss("focal")(logits, half); }));
  CHECK(
      fails(ErrorKind::failure, {"focal", "not soft targets"}, [&] { Loss(resolve(focal, each))(logit_rows, rows); }));
  CHECK(Loss("focal")(logits, make_soft_labels(b, List{0, 1}, 1)).value().item() > 0);  // these are classes
  // Numbers of things, classes and choices have no fractions, which would be cut off in silence.
  const std::pair<const char*, LossParams> fractions[] = {{"ghm", {{"bins", 2.9}}},
                                                          {"cross-entropy", {{"ignore-index", 1.9}}},
                                                          {"influence-balanced", {{"detach", 0.5}}},
                                                          {"autobalance", {{"neumann-terms", 2.5}}}};
  for (const auto& row : fractions) {
    CHECK(fails(ErrorKind::invalid_argument, {row.second.begin()->first, "is not a whole number"}, [&] {
      Loss(row.first, row.second, {{3, 4}});
    }));
  }
  // Values beyond each bound of each parameter are refused.
  for (const LossInfo& info : losses()) {
    for (const LossParam& p : info.params) {
      CAPTURE(info.name);
      CAPTURE(p.name);
      CHECK(((p.low <= p.value && p.value <= p.high) || (p.value == -1 && !p.word.empty())));
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
                  [&] { Loss(resolve(info, info.form())); }));
    }
    if (info.is(LossInfo::batch_level)) {
      CHECK(fails(ErrorKind::invalid_argument, {info.name, "whole batch"}, [&] {
        Loss(resolve(info, info.form()), {{}, {}, "sum"});
      }));
    }
    CHECK(fails(ErrorKind::failure, {info.name, "empty"}, [&] {
      Loss loss(resolve(info, info.form()), {{3, 4}});
      loss(Tensor::zeros(b, info.form() == one ? Shape{0} : Shape{0, 2}), make_labels(b, {}, 1));
    }));
    if (info.outputs & LossInfo::one_logit) {
      Loss loss(resolve(info, one), {{3, 4}});
      const auto refused = [&](int32_t label, int32_t positive, const std::vector<std::string>& words) {
        return fails(ErrorKind::failure, words,
                     [&] { loss(Tensor::zeros(b, {1}), make_labels(b, {label}, positive)); });
      };
      for (const int32_t label : {-3, 2}) CHECK(refused(label, 1, {info.name, "label " + std::to_string(label)}));
      CHECK(refused(0, 2, {info.name, "positive class 2"}));
    }
    if (info.outputs & LossInfo::logit_per_class) {  // also in evaluation, where a stateful loss only reads its state
      for (const int32_t label : {-1, 2}) {
        CHECK(fails(ErrorKind::failure, {info.name, "label " + std::to_string(label)}, [&] {
          Loss loss(resolve(info, LossInfo::logit_per_class), {{3, 4}});
          loss(Tensor::zeros(b, {1, 2}), make_labels(b, {label}, 1));
        }));
      }
    }
  }
  CHECK(fails(ErrorKind::invalid_argument, {"reduction", "average", "mean, weighted-mean, sum, positives"}, [&] {
    Loss(resolve(focal, one), {{}, {}, "average"});
  }));
  for (const double weight : {-1., std::nan("")}) {
    CHECK(fails(ErrorKind::invalid_argument, {"focal", "weight of", detail::text(weight)}, [&] {
      Loss(resolve(focal, each), {{}, {1, weight}});
    }));
  }
  CHECK(fails(ErrorKind::invalid_argument, {"focal", "weights of 3"}, [&] {
    Loss(resolve(focal, one), {{}, {1, 2, 3}});
  }));
  for (const double progress : {-0.1, 7., std::nan("")}) {
    CHECK(fails(ErrorKind::invalid_argument, {"focal", "progress of"}, [&] { Loss("focal").set_progress(progress); }));
  }
  CHECK(fails(ErrorKind::invalid_argument, {"vs", "3"}, [&] { Loss(resolve("vs", one), {{1, 2, 3}}); }));
  CHECK(fails(ErrorKind::invalid_argument, {"vs", "-2"}, [&] { Loss(resolve("vs", one), {{1, -2}}); }));
  CHECK(fails(ErrorKind::invalid_argument, {"pos-weight auto"}, [&] {
    Loss(resolve("bce", one, {{"pos-weight", -1}}))(Tensor::zeros(b, {1}), make_labels(b, {1}, 1));
  }));

  const auto with = [&](const LossInfo& loss, const Shape& z, const std::vector<int32_t>& classes,
                        const List& weights = {}) {
    return [&, z, classes, weights] {
      Loss(resolve(loss, loss.form()), {{}, weights})(Tensor::zeros(b, z), make_labels(b, classes, 0));
    };
  };
  CHECK(fails(ErrorKind::failure, {"focal", "2 labels", "[3]"}, with(focal, {3}, {0, 1})));
  CHECK(fails(ErrorKind::failure, {"focal", "[2, 3]"}, with(focal, {2, 3}, {0, 1})));
  CHECK(fails(ErrorKind::failure, {"[2]"}, with(cross, {2}, {0, 1})));
  CHECK(fails(ErrorKind::failure, {"label 2"}, with(cross, {2, 2}, {0, 2})));
  CHECK(fails(ErrorKind::failure, {"weights", "0"}, with(cross, {2, 2}, {0, 0}, {0, 1})));
  CHECK(fails(ErrorKind::failure, {"weights of 3"}, with(cross, {2, 2}, {0, 0}, {0, 1, 1})));
}

TEST_CASE("losses: a spec has a value for each parameter of its row, and only of those") {
  const auto one = LossInfo::one_logit, each = LossInfo::logit_per_class;
  const LossSpec focal = resolve("focal", one, {{"gamma", 3}});
  CHECK(&focal.info() == &find_loss("focal"));
  CHECK(focal.form() == one);
  CHECK(focal["gamma"] == 3);
  CHECK(focal["alpha"] == 0.75);
  CHECK(focal.params() == LossParams{{"alpha", 0.75}, {"gamma", 3}});
  CHECK(resolve("focal", one, {{"alpha", -1}})["alpha"] == -1);
  const LossSpec softmax = resolve("focal", each);
  CHECK(softmax["alpha"] == -1);
  CHECK(softmax.form() == each);
  CHECK(focal.applies(focal.info().params[1]));
  CHECK(!softmax.applies(focal.info().params[1]));
  CHECK(focal.find("beta") == nullptr);
  CHECK(*focal.find("gamma") == 3);
  CHECK(fails(ErrorKind::failure, {"focal", "beta"}, [&] { (void)focal["beta"]; }));
  CHECK(fails(ErrorKind::failure, {"no loss"}, [] { Loss{LossSpec()}; }));
  CHECK(LossSpec().params().empty());
}
