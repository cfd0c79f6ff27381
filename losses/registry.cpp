#include "losses/registry.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/table.h"
#include "losses/adaptive.h"
#include "losses/autobalance.h"
#include "losses/binary.h"
#include "losses/class_weights.h"
#include "losses/multiclass.h"
#include "losses/overlap.h"
#include "losses/per_output.h"
#include "losses/true_class.h"

namespace counterpoise {

namespace {

// clang-format off

// Parameters that several rows share: name, default, lowest, highest, help.
LossParam gamma(double value) { return {"gamma", value, 0, 1e3, "focusing parameter: the larger, the less easy samples count"}; }
LossParam scaling_gamma() { return {"gamma", 0.3, 0, 10, "exponent of the relative class counts, which scale the logits"}; }
LossParam tau() { return {"tau", 1, 0, 100, "factor on log(class share), which is added to the class's logit"}; }
LossParam alpha() {
  return {"alpha", 0.75, 0, 1, "weight of the positive class, 1 - alpha that of the other, or none", "none", LossParam::binary};
}
LossParam smoothing() { return {"label-smoothing", 0, 0, 1, "fraction of the target that is spread evenly over all classes"}; }
LossParam rare_below(double value) { return {"lambda", value, 0, 1, "share of the training samples below which a class is rare"}; }
LossParam false_positives() { return {"alpha", 0.3, 0, 100, "weight of false positives"}; }
LossParam false_negatives() { return {"beta", 0.7, 0, 100, "weight of false negatives"}; }
LossParam smooth() { return {"smooth", 1, 1e-7, 1e6, "added to the numerator and the denominator, against 0 / 0"}; }

// [N] sample weights for use inside a loss; undefined if there are no class weights.
Tensor inner_weights(const Var& z, const Labels& y, const LossContext& c) { return c.weights.empty() ? Tensor() : by_class(z, y, c.weights); }

// How many training samples of the other class there are for each of the positive class.
double negatives_per_positive(const Labels& y, const LossContext& c) {
  CP_ENSURE_AS(invalid_argument, c.counts.size() == 2, "pos-weight auto needs the number of training samples of both classes");
  const double n = static_cast<double>(c.counts[y.positive_class]);
  CP_ENSURE_AS(invalid_argument, n > 0, "pos-weight auto: there is no sample of the positive class; give a number");
  return static_cast<double>(c.counts[1 - y.positive_class]) / n;
}

// The cross-entropy of the logits as the row scales and shifts them.
Var scaled(const Var& z, const Labels& y, LossContext& c) { return vector_scaling(z, y, c.spec.info().scaling(c)); }

}  // namespace

const std::vector<LossInfo>& losses() {
  using I = LossInfo;
  using Z = const Var&;
  using Y = const Labels&;
  using C = LossContext&;
  using S = const LossContext&;
  constexpr int overlap = I::batch_level | I::weighs_itself | I::soft_targets;
  static const I::Defaults regression = {Reduction::mean, "none", /*threshold=*/0.5};
  static const std::vector<LossInfo> rows = {
      // name, help, source, outputs, parameters, function, traits, defaults, scaling
      {"mse", "squared error between the output and the target, 0 or 1", "least squares", I::one_logit, {},
       [](Z z, Y y, C) { return mse(z, y.positive); }, I::soft_targets, regression},
      {"l1", "absolute error between the output and the target, 0 or 1", "least absolute deviations", I::one_logit, {},
       [](Z z, Y y, C) { return l1(z, y.positive); }, I::soft_targets, regression},
      {"smooth-l1", "absolute error, quadratic near 0", "Girshick 2015, arXiv:1504.08083", I::one_logit,
       {{"beta", 1, 0, 1e6, "error at which the loss turns from quadratic to linear"}},
       [](Z z, Y y, C c) { return smooth_l1(z, y.positive, c["beta"]); }, I::soft_targets, regression},
      {"huber", "smooth-l1 times delta", "Huber 1964", I::one_logit,
       {{"delta", 1, 1e-6, 1e6, "error at which the loss turns from quadratic to linear"}},
       [](Z z, Y y, C c) { return huber(z, y.positive, c["delta"]); }, I::soft_targets, regression},
      {"log-cosh", "logarithm of the hyperbolic cosine of the error", "Green 1990", I::one_logit, {},
       [](Z z, Y y, C) { return log_cosh(z, y.positive); }, I::soft_targets, regression},
      {"bce", "binary cross-entropy", "Lin et al. 2017, arXiv:1708.02002, eq. 1", I::one_logit,
       {{"pos-weight", 1, 0, 1e6, "factor on the losses of positive samples, auto is negatives / positives", "auto"}, smoothing()},
       [](Z z, Y y, C c) { return bce(z, y.positive, c["pos-weight"] < 0 ? negatives_per_positive(y, c) : c["pos-weight"], c["label-smoothing"]); },
       I::soft_targets},
      {"weighted-bce", "binary cross-entropy with class weights N / (2 N_c)", "King and Zeng 2001", I::one_logit, {},
       [](Z z, Y y, C) { return bce(z, y.positive); }, I::soft_targets, {Reduction::mean, "balanced"}},
      {"balanced-bce", "alpha-balanced binary cross-entropy", "Lin et al. 2017, arXiv:1708.02002, eq. 3", I::one_logit, {alpha()},
       [](Z z, Y y, C c) { return balanced_bce(z, y.positive, c["alpha"]); }},
      {"focal", "focal loss: down-weights easy samples", "Lin et al. 2017, arXiv:1708.02002, eq. 5", I::either, {gamma(2), alpha()},
       [](Z z, Y y, C c) { return alpha_balanced(focal(true_logit(z, y), c["gamma"]), y.positive, c["alpha"]); }},
      {"cross-entropy", "softmax cross-entropy", "Bridle 1990", I::logit_per_class,
       {smoothing(), {"ignore-index", -100, -1e6, 1e6, "samples with this label are ignored", "", LossParam::both, true}},
       [](Z z, Y y, C c) { return cross_entropy(z, y, c["label-smoothing"], c.weights, static_cast<int32_t>(c["ignore-index"])); },
       I::weighs_itself | I::soft_targets, {Reduction::weighted_mean}},
      {"class-balanced", "cross-entropy or (softmax) focal loss, weighted by the effective number of samples", "Cui et al. 2019, arXiv:1901.05555",
       I::either, {{"beta", 0.999, 0, 0.99999999, "base of the effective number: 0 is no weighting, towards 1 inverse frequency"}, gamma(0)},
       [](Z z, Y y, C c) { return focal(true_logit(z, y), c["gamma"]) * by_class(z, y, effective_weights(c.counts, c["beta"])); },
       I::needs_counts},
      {"ldam", "label-distribution-aware margins, wider for rarer classes; class weights late in training",
       "Cao et al. 2019, arXiv:1906.07413", I::logit_per_class,
       {{"max-margin", 0.5, 0, 10, "margin of the rarest class"}, {"scale", 30, 1e-3, 1e3, "factor on the cosines"}},
       [](Z z, Y y, C c) { return ldam(z, y, c.counts, c["max-margin"], c["scale"]); },
       I::needs_counts | I::cosine_logits, {Reduction::weighted_mean, "effective=0.9999", 0, 0.8}},
      {"logit-adjusted", "cross-entropy of logits shifted by the log of the class shares", "Menon et al. 2020, arXiv:2007.07314, eq. 10",
       I::either, {tau()},
       scaled, I::needs_counts, {}, [](S c) { return logit_scaling(c.counts, 0, c["tau"]); }},
      {"balanced-softmax", "logit-adjusted with tau 1", "Ren et al. 2020, arXiv:2007.10740", I::either, {},
       scaled, I::needs_counts, {}, [](S c) { return logit_scaling(c.counts, 0, 1); }},
      {"cdt", "class-dependent temperatures: logits of rarer classes are scaled down", "Ye et al. 2020, arXiv:2001.01385",
       I::either, {scaling_gamma()},
       scaled, I::needs_counts, {}, [](S c) { return logit_scaling(c.counts, c["gamma"], 0); }},
      {"vs", "vector scaling: logits are scaled and shifted per class", "Kini et al. 2021, arXiv:2103.01550",
       I::either, {scaling_gamma(), tau()},
       scaled, I::needs_counts, {}, [](S c) { return logit_scaling(c.counts, c["gamma"], c["tau"]); }},
      {"autobalance", "logits are scaled and shifted per class by amounts that are learned on a part of the training images", "Li et al. 2021, arXiv:2201.01212",
       I::either,
       {{"tau", 0, 0, 100, "initial shifts of the logits, as a factor on log(class share)"},
        {"search-epochs", -1, 0, 1e6, "epochs of the search for the scales and shifts, before the training with them", "epochs", LossParam::both, true},
        {"search-share", 0.2, 0.01, 0.9, "fraction of the training images of each class that the search validates on"},
        {"search-start", 0.4, 0, 1, "fraction of the search before the first step of the scales and shifts"},
        {"search-every", 20, 1, 1e6, "training steps of the search for each step of the scales and shifts", "", LossParam::both, true},
        {"search-batches", 10, 1, 1e6, "batches of training images that such a step uses", "", LossParam::both, true},
        {"search-validation-batches", 10, 1, 1e6, "batches of validation images that it uses", "", LossParam::both, true},
        {"shift-lr", 0.5, 0, 1e3, "learning rate of the shifts"},
        {"scale-lr", 0.05, 0, 1e3, "learning rate of the scales"},
        {"neumann-terms", 5, 0, 1000, "terms of the Neumann series beyond the first", "", LossParam::both, true},
        {"neumann-step", 1, 1e-9, 1e3, "step size of the Neumann series, at most"}},
       [](Z z, Y y, C c) { return autobalance(z, y, c); }, I::needs_counts | I::stateful, {}, autobalance_scaling},
      {"asymmetric", "down-weights easy negatives more than easy positives", "Ben-Baruch et al. 2020, arXiv:2009.14119", I::either,
       {{"gamma-neg", 4, 0, 1e3, "focusing parameter of negatives"}, {"gamma-pos", 1, 0, 1e3, "focusing parameter of positives"},
        {"clip", 0.05, 0, 0.99, "probability below which a negative contributes 0"}},
       [](Z z, Y y, C c) { return asymmetric(z, y, c["gamma-neg"], c["gamma-pos"], c["clip"]); }},
      {"poly1", "cross-entropy or focal loss + epsilon (1 - p_t)^(gamma + 1)", "Leng et al. 2022, arXiv:2204.12511", I::either,
       {{"epsilon", 1, -1, 1e3, "added to the first polynomial coefficient"}, gamma(0)},
       [](Z z, Y y, C c) { return poly1(true_logit(z, y), c["epsilon"], c["gamma"]); }},
      {"gce", "generalized cross-entropy, robust to wrong labels: down-weights hard samples", "Zhang and Sabuncu 2018, arXiv:1805.07836",
       I::either, {{"q", 0.7, 0, 1, "exponent: 0 is cross-entropy, 1 is 1 - p_t"}},
       [](Z z, Y y, C c) { return generalized_cross_entropy(true_logit(z, y), c["q"]); }},
      {"sce", "symmetric cross-entropy, robust to wrong labels", "Wang et al. 2019, arXiv:1908.06112", I::either,
       {{"alpha", 0.1, 0, 1e3, "weight of cross-entropy"}, {"beta", 1, 0, 1e3, "weight of reverse cross-entropy"}},
       [](Z z, Y y, C c) { return symmetric_cross_entropy(true_logit(z, y), c["alpha"], c["beta"]); }},
      {"dice", "1 - overlap of predicted probabilities and labels over the batch", "Dice 1945, of probabilities", I::either, {smooth()},
       [](Z z, Y y, C c) { return tversky(z, y, 0.5, 0.5, 1, c["smooth"] / 2, inner_weights(z, y, c)); }, overlap},
      {"tversky", "Dice loss with weights for false positives and false negatives", "Salehi et al. 2017, arXiv:1706.05721",
       I::either, {false_positives(), false_negatives(), smooth()},
       [](Z z, Y y, C c) { return tversky(z, y, c["alpha"], c["beta"], 1, c["smooth"], inner_weights(z, y, c)); }, overlap},
      {"focal-tversky", "a power of the Tversky loss", "Abraham and Khan 2019, arXiv:1810.07842", I::either,
       {false_positives(), false_negatives(), {"gamma", 0.75, 0.1, 10, "exponent of the Tversky loss: 1 / gamma of the paper, whose code's alpha is beta here"}, smooth()},
       [](Z z, Y y, C c) { return tversky(z, y, c["alpha"], c["beta"], c["gamma"], c["smooth"], inner_weights(z, y, c)); }, overlap},
      {"soft-f1", "1 - F1 of predicted probabilities over the batch", "dice with a smooth of 1e-7", I::either, {},
       [](Z z, Y y, C c) { return tversky(z, y, 0.5, 0.5, 1, 1e-7 / 2, inner_weights(z, y, c)); }, overlap},
      {"ghm", "gradient harmonizing: an output counts less, the more outputs have gradients of its size", "Li et al. 2018, arXiv:1811.05181",
       I::either, {{"bins", 10, 1, 1e4, "number of bins of the gradient's size", "", LossParam::both, true}, {"ghm-momentum", 0, 0, 0.9999, "momentum of the running counts"}},
       [](Z z, Y y, C c) { return ghm(z, y, static_cast<int>(c["bins"]), c["ghm-momentum"], c); }, I::stateful | I::stop_gradient},
      {"equalization", "sigmoids; rare classes receive no gradient from other classes' samples", "Tan et al. 2020, arXiv:2003.05176",
       I::logit_per_class, {rare_below(0.00177)},
       [](Z z, Y y, C c) { return equalization(z, y, c["lambda"], c); }, I::needs_counts},
      {"softmax-equalization", "rare classes are left out of other classes' softmax at random", "Tan et al. 2020, arXiv:2003.05176",
       I::logit_per_class, {{"gamma", 0.9, 0, 1, "probability of being left out"}, rare_below(0.005)},
       [](Z z, Y y, C c) { return softmax_equalization(z, y, c["gamma"], c["lambda"], c); }, I::needs_counts | I::stateful},
      {"equalization-v2", "sigmoids; weights balance the positive and negative gradients that a class has received",
       "Tan et al. 2021, arXiv:2012.08548", I::logit_per_class,
       {{"gamma", 12, 0, 1e3, "steepness of the weights"}, {"mu", 0.8, 0, 10, "ratio of gradients at which a negative has weight 1/2"},
        {"alpha", 4, 0, 1e3, "largest addition to the weight of a positive"}},
       [](Z z, Y y, C c) { return equalization_v2(z, y, c["gamma"], c["mu"], c["alpha"], c); }, I::stateful},
      {"seesaw", "rarer classes receive less negative gradient, unless a sample is mistaken for them", "Wang et al. 2020, arXiv:2008.10032",
       I::logit_per_class, {{"p", 0.8, 0, 10, "exponent of the ratio of counts"}, {"q", 2, 0, 10, "exponent of the ratio of probabilities"}},
       [](Z z, Y y, C c) { return seesaw(z, y, c["p"], c["q"], c); }, I::stateful | I::stop_gradient},
      {"influence-balanced", "down-weights samples with much influence on the decision boundary", "Park et al. 2021, arXiv:2110.02444",
       I::logit_per_class,
       {{"alpha", 1000, 1e-6, 1e9, "factor on the weights"}, {"eps", 1e-3, 1e-9, 1e3, "keeps the weights finite"},
        {"detach", 1, 0, 1, "1: the weights are constant to the gradient; 0: they are not, as in the authors' code", "", LossParam::both, true},
        {"start", 0.5, 0, 1, "fraction of training before which it is cross-entropy"}},
       [](Z z, Y y, C c) { return influence_balanced(z, y, c["alpha"], c["eps"], c["detach"] > 0, c["start"], c); },
       I::needs_counts | I::stop_gradient},
      {"quality-focal", "focal loss for targets between 0 and 1", "Li et al. 2020, arXiv:2006.04388", I::one_logit,
       {{"beta", 2, 0, 1e3, "focusing parameter"}},
       [](Z z, Y y, C c) { return quality_focal(z, y.positive, c["beta"]); }, I::soft_targets},
      {"hinge", "amount by which the true class's logit falls short of a margin", "Cortes and Vapnik 1995; Weston and Watkins 1999",
       I::either, {{"margin", 1, 0, 1e3, "the margin"}},
       [](Z z, Y y, C c) { return hinge(z, y, c["margin"]); }},
  };
  return rows;
}
// clang-format on

std::string LossParam::range() const {
  std::ostringstream out;
  out.precision(10);  // an end that is not allowed is not rounded to: 0.99999999 is not 1
  out << low << " to " << high;
  return word.empty() ? out.str() : out.str() + ", or " + word;
}

std::vector<std::string> loss_names() { return detail::names_of(losses()); }

const LossInfo& find_loss(const std::string& name) { return detail::row_of(losses(), "loss", name); }

const double* LossSpec::find(std::string_view name) const {
  for (size_t i = 0; i < values_.size(); ++i) {
    if (info_->params[i].name == name) return &values_[i];
  }
  return nullptr;
}

double LossSpec::logit_scale() const { return info_->is(LossInfo::cosine_logits) ? (*this)["scale"] : 1; }

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
  std::vector<std::string> valid;
  for (const LossParam& p : loss.params) {
    spec.values_.push_back(spec.applies(p) ? p.value : -1);
    if (spec.applies(p)) valid.push_back(p.name);
  }
  for (const auto& [name, value] : given) {
    size_t at = 0;
    while (at < loss.params.size() && !(spec.applies(loss.params[at]) && loss.params[at].name == name)) ++at;
    CP_ENSURE_AS(invalid_argument, at < loss.params.size(), name, " does not apply to the loss ", loss.name,
                 loss.outputs != LossInfo::either ? ""
                 : binary                         ? " with one logit"
                                                  : " with a logit for each class",
                 ", which takes ", valid.empty() ? "no parameters" : detail::join(valid));
    const LossParam& p = loss.params[at];
    CP_ENSURE_AS(invalid_argument, p.is_word(value) || (p.low <= value && value <= p.high), name, " ", value,
                 " is out of range: ", p.range());
    CP_ENSURE_AS(invalid_argument, !p.whole || value == std::floor(value), name, " ", value, " is not a whole number");
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
