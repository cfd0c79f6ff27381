#include "losses/registry.h"

#include "losses/binary.h"
#include "losses/multiclass.h"

namespace counterpoise {

namespace {

// clang-format off
const LossParam gamma = {"gamma", 2, 0, 1e3, false, "focusing: how fast easy samples fade"};
const LossParam alpha = {"alpha", 0.75, 0, 1, true, "weight of the positive class, 1 - alpha that of the other; none for no weights"};

}  // namespace

const std::vector<LossInfo>& losses() {
  using P = const LossParams&;
  constexpr auto one = LossInfo::one_logit, each = LossInfo::logit_per_class;
  constexpr auto samples = LossInfo::samples, weights = LossInfo::weights;
  static const std::vector<LossInfo> rows = {
      // name, help, source, logits, parameters, denominator, default class weights, threshold, function
      {"mse", "squared error of the output against 0 and 1", "least squares", one, {}, samples, "none", 0.5,
       [](const Var& z, const Labels& y, P) { return mse(z, y.positive); }},
      {"bce", "binary cross-entropy", "Lin et al. 2017, arXiv:1708.02002, eq. 1", one, {}, samples, "none", 0,
       [](const Var& z, const Labels& y, P) { return bce(z, y.positive); }},
      {"weighted-bce", "binary cross-entropy, each class weighted N / (2 N_c)", "King and Zeng 2001", one, {}, samples, "balanced", 0,
       [](const Var& z, const Labels& y, P) { return bce(z, y.positive); }},
      {"balanced-bce", "alpha-balanced binary cross-entropy", "Lin et al. 2017, arXiv:1708.02002, eq. 3", one, {alpha}, samples, "none", 0,
       [](const Var& z, const Labels& y, P p) { return balanced_bce(z, y.positive, p.at("alpha")); }},
      {"focal", "focal loss: easy samples count less", "Lin et al. 2017, arXiv:1708.02002, eq. 5", one, {gamma, alpha}, samples, "none", 0,
       [](const Var& z, const Labels& y, P p) { return focal(z, y.positive, p.at("gamma"), p.at("alpha")); }},
      {"cross-entropy", "softmax cross-entropy, a logit for each class", "Bridle 1990", each, {}, weights, "none", 0,
       [](const Var& z, const Labels& y, P) { return cross_entropy(z, y.index); }},
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
  throw Error(text("unknown loss \"", name, "\"; valid are ", join(loss_names())), Exit::usage);
}

LossParams resolve(const LossInfo& loss, const LossParams& given) {
  LossParams params;
  for (const LossParam& p : loss.params) params[p.name] = p.value;
  for (const auto& [name, value] : given) {
    const LossParam* known = nullptr;
    std::string valid;
    for (const LossParam& p : loss.params) {
      if (p.name == name) known = &p;
      valid += " --" + p.name;
    }
    ENSURE_OR(Exit::usage, known, "--", name, " does not apply to --loss ", loss.name, ", which takes",
              valid.empty() ? " no parameters" : valid);
    const bool none = known->optional && value == -1;
    ENSURE_OR(Exit::usage, none || (known->low <= value && value <= known->high), "--", name, " ", value,
              " is out of range: ", known->low, " to ", known->high, known->optional ? ", or none" : "");
    params[name] = value;
  }
  return params;
}

Labels make_labels(Backend& backend, const std::vector<int32_t>& classes, int32_t positive, DType dtype) {
  std::vector<float> is_positive(classes.size());
  for (size_t i = 0; i < classes.size(); ++i) is_positive[i] = classes[i] == positive ? 1.f : 0.f;
  const Shape shape{static_cast<Index>(classes.size())};
  return {Tensor::from(backend, shape, is_positive).cast(dtype), Tensor::from(backend, shape, classes)};
}

Var compute(const LossInfo& loss, const Var& z, const Labels& labels, const LossParams& params,
            const std::vector<double>& class_weights) {
  const Index N = labels.index.size();
  ENSURE(N > 0, loss.name, ": the batch is empty");
  ENSURE(z.shape().rank() >= 1 && z.shape()[0] == N, loss.name, ": ", N, " labels for logits of shape ", z.shape());
  Var values;
  if (loss.outputs == LossInfo::one_logit) {
    ENSURE(z.value().size() == N, loss.name, ": logits ", z.shape(), " but this loss takes one a sample");
    values = loss.per_sample(reshape(z, {N}), labels, params);
  } else {
    values = loss.per_sample(z, labels, params);
  }
  if (class_weights.empty()) return mean(values);

  std::vector<double> weights;
  double total = 0;
  for (const int32_t label : labels.index.to_vector<int32_t>()) {
    ENSURE(0 <= label && label < static_cast<int32_t>(class_weights.size()), loss.name, ": no weight for class ",
           label);
    weights.push_back(class_weights[label]);
    total += class_weights[label];
  }
  const Tensor w = Tensor::from(z.backend(), {N}, weights).cast(values.value().dtype());
  if (loss.denominator == LossInfo::samples) return mean(values * w);
  ENSURE(total > 0, loss.name, ": all weights of this batch are 0, so its weighted mean does not exist");
  return sum(values * w) * (1 / total);
}

}  // namespace counterpoise
