#include "losses/loss.h"

#include <algorithm>

namespace counterpoise {

Loss::Loss(const LossInfo& info, LossInfo::Outputs form, const LossParams& given, const LossOptions& options)
    : info_(info),
      form_(form),
      reduction_(info.defaults.reduction),
      class_weights_(options.class_weights),
      defer_weights_(options.defer_weights) {
  context_.params = resolve(info, form, given);
  context_.counts = options.counts;
  context_.seed = options.seed;
  if (!options.reduction.empty()) {
    reduction_ = parse_reduction(options.reduction);
    CP_ENSURE_AS(invalid_argument, !info.is(LossInfo::batch_level) || reduction_ == Reduction::mean, "the reduction ",
                 options.reduction, " does not apply to ", info.name, ", which is one number for a whole batch");
  }
  CP_ENSURE_AS(invalid_argument, !info.is(LossInfo::needs_counts) || !context_.counts.empty(), info.name,
               " needs the number of training samples of each class");
  for (const int64_t n : context_.counts) {
    CP_ENSURE_AS(invalid_argument, n >= 0, info.name, ": a class cannot have ", n, " training samples");
  }
  CP_ENSURE_AS(invalid_argument, form != LossInfo::one_logit || context_.counts.empty() || context_.counts.size() == 2,
               info.name, ": one logit tells two classes apart, but there are training samples of ",
               context_.counts.size());
  set_progress(1);
}

void Loss::set_progress(double progress) {
  context_.progress = progress;
  context_.weights = progress >= defer_weights_ ? class_weights_ : std::vector<double>();
}

void Loss::restore(LossState state) {
  CP_ENSURE_AS(bad_data, state.empty() || info_.is(LossInfo::stateful), info_.name, ": has no state to restore");
  context_.state = std::move(state);
}

Var Loss::values(const Var& z, const Labels& y) {
  const Index N = y.size();
  CP_ENSURE(N > 0, info_.name, ": the batch is empty");
  CP_ENSURE(z.shape().rank() >= 1 && z.shape()[0] == N, info_.name, ": ", N, " labels for logits of shape ", z.shape());
  const size_t counts = context_.counts.size();
  if (form_ == LossInfo::one_logit) {
    CP_ENSURE(z.value().size() == N, info_.name, ": logits ", z.shape(), " but this loss takes one per sample");
    return info_.function(reshape(z, {N}), y, context_);
  }
  CP_ENSURE(z.shape().rank() == 2 && z.shape()[1] >= 2, info_.name, ": logits ", z.shape(),
            " but this loss takes one for each class, [N, K]");
  CP_ENSURE(counts == 0 || Index(counts) == z.shape()[1], info_.name, ": training samples of ", counts,
            " classes for logits of ", z.shape()[1]);
  CP_ENSURE(context_.weights.empty() || Index(context_.weights.size()) == z.shape()[1], info_.name, ": weights of ",
            context_.weights.size(), " classes for logits of ", z.shape()[1]);
  return info_.function(z, y, context_);
}

bool Loss::ignored(int32_t label) const {
  const auto it = context_.params.find("ignore-index");
  return it != context_.params.end() && label == static_cast<int32_t>(it->second);
}

Var Loss::per_sample(const Var& z, const Labels& y) {
  const Var loss = values(z, y);
  if (info_.is(LossInfo::weighs_itself) || context_.weights.empty()) return loss;
  return loss * by_class(z, y, context_.weights);
}

Var Loss::operator()(const Var& z, const Labels& y) {
  const Var loss = per_sample(z, y);
  if (info_.is(LossInfo::batch_level)) return loss;
  Totals totals;
  add(totals, y, std::vector<double>(y.classes.size(), 1));
  return sum(loss) * (1 / denominator(totals));
}

Var Loss::mixed(const Var& z, const Labels& y, const Labels& other, const std::vector<float>& own) {
  CP_ENSURE_AS(invalid_argument, !info_.is(LossInfo::stateful), info_.name,
               ": counts what it sees by whole samples, and does not go with mixed ones");
  const size_t N = y.classes.size();
  CP_ENSURE(other.classes.size() == N && own.size() == N, info_.name, ": mixed labels of different lengths");
  const std::vector<double> first(own.begin(), own.end());
  std::vector<double> second;
  for (const double share : first) second.push_back(1 - share);
  const Shape column{y.size(), 1};
  const Tensor a = tensor_like(z, {y.size()}, first), b = tensor_like(z, {y.size()}, second);

  if (info_.is(LossInfo::batch_level)) {  // knows no single samples, so the labels are mixed
    CP_ENSURE_AS(invalid_argument, context_.weights.empty(), info_.name,
                 ": class weights do not go with mixed samples");
    Labels soft = y;
    soft.positive = (Var(y.positive) * a + Var(other.positive) * b).value();
    if (form_ == LossInfo::logit_per_class) {
      const Var mine = one_hot(z, y), others = one_hot(z, other);
      soft.probabilities = (mine * a.reshape(column) + others * b.reshape(column)).value();
    }
    return per_sample(z, soft);
  }
  Totals totals;
  add(totals, y, first);
  add(totals, other, second);
  return sum(per_sample(z, y) * a + per_sample(z, other) * b) * (1 / denominator(totals));
}

void Loss::add(Totals& totals, const Labels& y, const std::vector<double>& share) const {
  const auto is_positive = y.positive.cast(DType::f64).to_vector<double>();
  for (size_t n = 0; n < share.size(); ++n) {
    const bool soft = y.probabilities.defined();  // then the classes say nothing
    if (!soft && ignored(y.classes[n])) continue;
    const bool weighted = !context_.weights.empty() && !soft;
    totals.samples += share[n];
    totals.weights += share[n] * (weighted ? context_.weights.at(y.classes[n]) : 1);
    totals.positives += share[n] * is_positive[n];
  }
}

double Loss::denominator(const Totals& totals) const {
  if (reduction_ == Reduction::sum) return 1;
  CP_ENSURE(totals.samples > 0, info_.name, ": all labels of this batch are ignored, so its mean does not exist");
  if (reduction_ == Reduction::mean) return totals.samples;
  if (reduction_ == Reduction::positives) return std::max(totals.positives, 1.);
  CP_ENSURE(totals.weights > 0, info_.name, ": all weights of this batch are 0, so its weighted mean does not exist");
  return totals.weights;
}

}  // namespace counterpoise
