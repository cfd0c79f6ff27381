#include "losses/registry.h"

#include <algorithm>

#include "losses/adaptive.h"
#include "losses/binary.h"
#include "losses/class_weights.h"
#include "losses/multiclass.h"
#include "losses/overlap.h"
#include "losses/per_output.h"
#include "losses/true_class.h"

namespace counterpoise {

namespace {

// clang-format off

// Parameters that several rows share. Name, default, lowest, highest, help.
LossParam gamma(double value) { return {"gamma", value, 0, 1e3, "focusing: how fast easy samples fade"}; }
LossParam scaling_gamma() { return {"gamma", 0.3, 0, 10, "power of the classes' shares that scales their logits"}; }
LossParam tau() { return {"tau", 1, 0, 100, "how many times log(share of the class) is added to its logit"}; }
LossParam alpha() { return {"alpha", 0.75, 0, 1, "weight of the positive class, 1 - alpha that of the other; none for no weights", "none", LossParam::binary}; }
LossParam smoothing() { return {"label-smoothing", 0, 0, 1, "part of a target that is spread over all classes"}; }
LossParam false_positives() { return {"alpha", 0.3, 0, 100, "weight of false positives"}; }
LossParam false_negatives() { return {"beta", 0.7, 0, 100, "weight of false negatives"}; }
LossParam smooth() { return {"smooth", 1, 1e-7, 1e6, "samples added above and below the fraction"}; }

// sum weights inside the loss, as a tensor; undefined where there are none.
Tensor inner_weights(const Var& z, const Labels& y, const LossContext& c) { return c.weights.empty() ? Tensor() : by_class(z, y, c.weights); }

// The number of the other class's samples for each of the positive's.
double negatives_per_positive(const Labels& y, const LossContext& c) {
  CP_ENSURE_AS(invalid_argument, c.counts.size() == 2, "pos-weight auto needs the number of training samples of both classes");
  const double n = static_cast<double>(c.counts[y.positive_class]);
  CP_ENSURE_AS(invalid_argument, n > 0, "pos-weight auto: there is no sample of the positive class; give a number");
  return static_cast<double>(c.counts[1 - y.positive_class]) / n;
}

}  // namespace

const std::vector<LossInfo>& losses() {
  using I = LossInfo;
  using Z = const Var&;
  using Y = const Labels&;
  using C = LossContext&;
  static const std::vector<LossInfo> rows = {
      // name, help, source, outputs, parameters, function, traits, defaults
      {"mse", "squared error of the output against 0 and 1", "least squares", I::one_logit, {},
       [](Z z, Y y, C) { return mse(z, y.positive); }, I::soft_targets, {Reduction::mean, "none", 0.5}},
      {"l1", "absolute error of the output against 0 and 1", "least absolute deviations", I::one_logit, {},
       [](Z z, Y y, C) { return l1(z, y.positive); }, I::soft_targets, {Reduction::mean, "none", 0.5}},
      {"smooth-l1", "absolute error, squared near 0", "Girshick 2015, arXiv:1504.08083", I::one_logit,
       {{"beta", 1, 0, 1e6, "error at which squared becomes absolute"}},
       [](Z z, Y y, C c) { return smooth_l1(z, y.positive, c["beta"]); }, I::soft_targets, {Reduction::mean, "none", 0.5}},
      {"huber", "smooth-l1 times delta", "Huber 1964", I::one_logit,
       {{"delta", 1, 1e-6, 1e6, "error at which squared becomes absolute"}},
       [](Z z, Y y, C c) { return huber(z, y.positive, c["delta"]); }, I::soft_targets, {Reduction::mean, "none", 0.5}},
      {"log-cosh", "logarithm of cosh of the error", "Green 1990", I::one_logit, {},
       [](Z z, Y y, C) { return log_cosh(z, y.positive); }, I::soft_targets, {Reduction::mean, "none", 0.5}},
      {"bce", "binary cross-entropy", "Lin et al. 2017, arXiv:1708.02002, eq. 1", I::one_logit,
       {{"pos-weight", 1, 0, 1e6, "factor on the positive class's losses; auto: negatives / positives", "auto"}, smoothing()},
       [](Z z, Y y, C c) { return bce(z, y.positive, c["pos-weight"] < 0 ? negatives_per_positive(y, c) : c["pos-weight"], c["label-smoothing"]); },
       I::soft_targets},
      {"weighted-bce", "binary cross-entropy, each class weighted N / (2 N_c)", "King and Zeng 2001", I::one_logit, {},
       [](Z z, Y y, C) { return bce(z, y.positive); }, I::soft_targets, {Reduction::mean, "balanced"}},
      {"balanced-bce", "alpha-balanced binary cross-entropy", "Lin et al. 2017, arXiv:1708.02002, eq. 3", I::one_logit, {alpha()},
       [](Z z, Y y, C c) { return balanced_bce(z, y.positive, c["alpha"]); }},
      {"focal", "focal loss: easy samples count less", "Lin et al. 2017, arXiv:1708.02002, eq. 5", I::either, {gamma(2), alpha()},
       [](Z z, Y y, C c) { return alpha_balanced(focal(true_logit(z, y), c["gamma"]), y.positive, c["alpha"]); }},
      {"cross-entropy", "softmax cross-entropy", "Bridle 1990", I::logit_per_class,
       {smoothing(), {"ignore-index", -100, -1e6, 1e6, "label whose samples are left out"}},
       [](Z z, Y y, C c) { return cross_entropy(z, y, c["label-smoothing"], c.weights, static_cast<int32_t>(c["ignore-index"])); },
       I::weighs_itself | I::soft_targets, {Reduction::weighted_mean}},
      {"class-balanced", "cross-entropy or focal loss (of softmax, with a logit per class), weighted by the effective number of samples", "Cui et al. 2019, arXiv:1901.05555", I::either,
       {{"beta", 0.999, 0, 0.99999999, "0: no weights; towards 1: inverse frequency"}, gamma(0)},
       [](Z z, Y y, C c) { return focal(true_logit(z, y), c["gamma"]) * by_class(z, y, effective_weights(c.counts, c["beta"])); }, I::needs_counts},
      {"ldam", "wider margins for rarer classes, weights late in training", "Cao et al. 2019, arXiv:1906.07413", I::logit_per_class,
       {{"max-margin", 0.5, 0, 10, "margin of the rarest class"}, {"scale", 30, 1e-3, 1e3, "factor on the cosines"}},
       [](Z z, Y y, C c) { return ldam(z, y, c.counts, c["max-margin"], c["scale"]); },
       I::needs_counts | I::cosine_logits, {Reduction::mean, "effective=0.9999", 0, 0.8}},
      {"logit-adjusted", "logits moved by the log of the classes' shares", "Menon et al. 2020, arXiv:2007.07314, eq. 10", I::either, {tau()},
       [](Z z, Y y, C c) { return vector_scaling(z, y, c.counts, 0, c["tau"]); }, I::needs_counts},
      {"balanced-softmax", "logit-adjusted with tau 1", "Ren et al. 2020, arXiv:2007.10740", I::either, {},
       [](Z z, Y y, C c) { return vector_scaling(z, y, c.counts, 0, 1); }, I::needs_counts},
      {"cdt", "class-dependent temperatures: rarer classes' logits scaled down", "Ye et al. 2020, arXiv:2001.01385", I::either, {scaling_gamma()},
       [](Z z, Y y, C c) { return vector_scaling(z, y, c.counts, c["gamma"], 0); }, I::needs_counts},
      {"vs", "vector scaling: logits scaled and moved", "Kini et al. 2021, arXiv:2103.01550", I::either, {scaling_gamma(), tau()},
       [](Z z, Y y, C c) { return vector_scaling(z, y, c.counts, c["gamma"], c["tau"]); }, I::needs_counts},
      {"asymmetric", "easy negatives fade faster than positives", "Ridnik et al. 2020, arXiv:2009.14119", I::either,
       {{"gamma-neg", 4, 0, 1e3, "focusing of negatives"}, {"gamma-pos", 1, 0, 1e3, "focusing of positives"},
        {"clip", 0.05, 0, 0.99, "probability below which a negative counts nothing"}},
       [](Z z, Y y, C c) { return asymmetric(z, y, c["gamma-neg"], c["gamma-pos"], c["clip"]); }},
      {"poly1", "cross-entropy or focal loss + epsilon (1 - p_t)", "Leng et al. 2022, arXiv:2204.12511", I::either,
       {{"epsilon", 1, -1, 1e3, "what is added to the first coefficient"}, gamma(0)},
       [](Z z, Y y, C c) { return poly1(true_logit(z, y), c["epsilon"], c["gamma"]); }},
      {"gce", "generalized cross-entropy: hard samples count less, against wrong labels", "Zhang and Sabuncu 2018, arXiv:1805.07836", I::either,
       {{"q", 0.7, 0, 1, "0: cross-entropy; 1: 1 - p_t"}},
       [](Z z, Y y, C c) { return generalized_cross_entropy(true_logit(z, y), c["q"]); }},
      {"sce", "symmetric cross-entropy, against wrong labels", "Wang et al. 2019, arXiv:1908.06112", I::either,
       {{"alpha", 0.1, 0, 1e3, "of cross-entropy"}, {"beta", 1, 0, 1e3, "of reverse cross-entropy"}},
       [](Z z, Y y, C c) { return symmetric_cross_entropy(true_logit(z, y), c["alpha"], c["beta"]); }},
      {"dice", "1 - overlap of the batch's decisions and labels", "Dice 1945, of probabilities", I::either, {smooth()},
       [](Z z, Y y, C c) { return tversky(z, y, 0.5, 0.5, 1, c["smooth"] / 2, inner_weights(z, y, c)); }, I::batch_level | I::weighs_itself | I::soft_targets},
      {"tversky", "dice with weights for false positives and negatives", "Salehi et al. 2017, arXiv:1706.05721", I::either,
       {false_positives(), false_negatives(), smooth()},
       [](Z z, Y y, C c) { return tversky(z, y, c["alpha"], c["beta"], 1, c["smooth"], inner_weights(z, y, c)); }, I::batch_level | I::weighs_itself | I::soft_targets},
      {"focal-tversky", "a power of tversky", "Abraham and Khan 2019, arXiv:1810.07842", I::either,
       {false_positives(), false_negatives(), {"gamma", 0.75, 0.1, 10, "power"}, smooth()},
       [](Z z, Y y, C c) { return tversky(z, y, c["alpha"], c["beta"], c["gamma"], c["smooth"], inner_weights(z, y, c)); }, I::batch_level | I::weighs_itself | I::soft_targets},
      {"soft-f1", "1 - F1 of soft decisions over the batch", "dice without smoothing", I::either, {},
       [](Z z, Y y, C c) { return tversky(z, y, 0.5, 0.5, 1, 1e-7 / 2, inner_weights(z, y, c)); }, I::batch_level | I::weighs_itself | I::soft_targets},
      {"ghm", "outputs count in inverse proportion to how many have gradients like theirs", "Li et al. 2018, arXiv:1811.05181", I::either,
       {{"bins", 10, 1, 1e4, "bins of the gradient's size"}, {"ghm-momentum", 0, 0, 0.9999, "of the running counts"}},
       [](Z z, Y y, C c) { return ghm(z, y, static_cast<int>(c["bins"]), c["ghm-momentum"], c); }, I::stateful | I::stop_gradient},
      {"equalization", "rare classes feel no other class's samples; sigmoids", "Tan et al. 2020, arXiv:2003.05176", I::logit_per_class,
       {{"lambda", 0.00177, 0, 1, "share of the training samples below which a class is rare"}},
       [](Z z, Y y, C c) { return equalization(z, y, c["lambda"], c); }, I::needs_counts},
      {"softmax-equalization", "rare classes are left out of others' softmax", "Tan et al. 2020, arXiv:2003.05176", I::logit_per_class,
       {{"gamma", 0.9, 0, 1, "probability of being left out"}, {"lambda", 0.005, 0, 1, "share of the training samples below which a class is rare"}},
       [](Z z, Y y, C c) { return softmax_equalization(z, y, c["gamma"], c["lambda"], c); }, I::needs_counts | I::stateful},
      {"equalization-v2", "weights that balance the gradients a class has had from both sides; sigmoids", "Tan et al. 2021, arXiv:2012.08548", I::logit_per_class,
       {{"gamma", 12, 0, 1e3, "steepness of the weights"}, {"mu", 0.8, 0, 10, "ratio of gradients at their middle"}, {"alpha", 4, 0, 1e3, "what positives may gain"}},
       [](Z z, Y y, C c) { return equalization_v2(z, y, c["gamma"], c["mu"], c["alpha"], c); }, I::stateful},
      {"seesaw", "rarer classes are pushed down less, unless they are mistaken for", "Wang et al. 2020, arXiv:2008.10032", I::logit_per_class,
       {{"p", 0.8, 0, 10, "power of the ratio of counts"}, {"q", 2, 0, 10, "power of the ratio of probabilities"}},
       [](Z z, Y y, C c) { return seesaw(z, y, c["p"], c["q"], c); }, I::stateful | I::stop_gradient},
      {"influence-balanced", "samples with much influence on the border count less", "Park et al. 2021, arXiv:2110.02444", I::logit_per_class,
       {{"alpha", 1000, 1e-6, 1e9, "factor on the weights"}, {"eps", 1e-3, 1e-9, 1e3, "keeps the weights finite"},
        {"detach", 1, 0, 1, "1: the weights are constants to the gradient; 0: as in the authors' code"},
        {"start", 0.5, 0, 1, "part of training before which it is cross-entropy"}},
       [](Z z, Y y, C c) { return influence_balanced(z, y, c["alpha"], c["eps"], c["detach"] > 0, c["start"], c); }, I::needs_counts | I::stop_gradient},
      {"quality-focal", "focal loss for targets between 0 and 1", "Li et al. 2020, arXiv:2006.04388", I::one_logit, {{"beta", 2, 0, 1e3, "focusing"}},
       [](Z z, Y y, C c) { return quality_focal(z, y.positive, c["beta"]); }, I::soft_targets},
      {"hinge", "what the logit is short of a margin", "Cortes and Vapnik 1995; Weston and Watkins 1999", I::either, {{"margin", 1, 0, 1e3, "the margin"}},
       [](Z z, Y y, C c) { return hinge(z, y, c["margin"]); }},
  };
  return rows;
}
// clang-format on

std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const LossInfo& loss : losses()) names.push_back(loss.name);
  return names;
}

const LossInfo& find_loss(const std::string& name) {
  for (const LossInfo& loss : losses()) {
    if (loss.name == name) return loss;
  }
  throw Error(ErrorKind::invalid_argument, "unknown loss \"", name, "\"; valid are ", detail::join(loss_names()));
}

const double* LossSpec::find(std::string_view name) const {
  for (size_t i = 0; i < values_.size(); ++i) {
    if (info_->params[i].name == name) return &values_[i];
  }
  return nullptr;
}

double LossSpec::operator[](std::string_view name) const {
  const double* value = find(name);
  CP_ENSURE(value, info_->name, ": its row in the table of losses has no parameter ", name);
  return *value;
}

bool LossSpec::applies(const LossParam& param) const {
  return param.forms == LossParam::both ||
         param.forms == (form_ == LossInfo::one_logit ? LossParam::binary : LossParam::multiclass);
}

LossParams LossSpec::params() const {
  LossParams all;
  for (size_t i = 0; i < values_.size(); ++i) all[info_->params[i].name] = values_[i];
  return all;
}

LossSpec resolve(const LossInfo& loss, LossInfo::Outputs form, const LossParams& given) {
  const bool binary = form == LossInfo::one_logit;
  CP_ENSURE_AS(
      invalid_argument, loss.outputs & form, loss.name, " takes ",
      binary ? "a logit for each class, not one logit per sample" : "one logit per sample, not a logit for each class");
  LossSpec spec(loss, form);
  for (const LossParam& p : loss.params) spec.values_.push_back(spec.applies(p) ? p.value : -1);
  for (const auto& [name, value] : given) {
    size_t at = loss.params.size();
    std::string valid;
    for (size_t i = 0; i < loss.params.size(); ++i) {
      const LossParam& p = loss.params[i];
      if (!spec.applies(p)) continue;
      if (p.name == name) at = i;
      valid += (valid.empty() ? " " : ", ") + p.name;
    }
    CP_ENSURE_AS(invalid_argument, at < loss.params.size(), name, " does not apply to the loss ", loss.name,
                 loss.outputs != LossInfo::either ? ""
                 : binary                         ? " with one logit"
                                                  : " with a logit for each class",
                 ", which takes", valid.empty() ? " no parameters" : valid);
    const LossParam& p = loss.params[at];
    const bool word = !p.word.empty() && value == -1;
    CP_ENSURE_AS(invalid_argument, word || (p.low <= value && value <= p.high), name, " ", value,
                 " is out of range: ", p.low, " to ", p.high, p.word.empty() ? "" : ", or " + p.word);
    spec.values_[at] = value;
  }
  return spec;
}

LossSpec resolve(const std::string& name, LossInfo::Outputs form, const LossParams& given) {
  return resolve(find_loss(name), form, given);
}

namespace {
const std::vector<std::pair<std::string, Reduction>> reductions = {{"mean", Reduction::mean},
                                                                   {"weighted-mean", Reduction::weighted_mean},
                                                                   {"sum", Reduction::sum},
                                                                   {"positives", Reduction::positives}};
}  // namespace

Reduction parse_reduction(const std::string& name) {
  std::vector<std::string> valid;
  for (const auto& [known, reduction] : reductions) {
    if (known == name) return reduction;
    valid.push_back(known);
  }
  throw Error(ErrorKind::invalid_argument, "unknown reduction \"", name, "\"; valid are ", detail::join(valid));
}

std::string to_string(Reduction reduction) {
  for (const auto& [name, known] : reductions) {
    if (known == reduction) return name;
  }
  return "";
}

}  // namespace counterpoise
