#include "losses/loss.h"

#include <algorithm>
#include <cmath>

namespace counterpoise {

Loss::Loss(LossSpec spec, const LossOptions& options)
    : reduction_(spec.info().defaults.reduction),
      class_weights_(options.class_weights),
      defer_weights_(options.defer_weights) {
  const LossInfo& info = spec.info();
  if (const double* label = spec.find("ignore-index")) ignored_label_ = static_cast<int32_t>(*label);
  context_.spec = std::move(spec);
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
  CP_ENSURE_AS(invalid_argument,
               context_.spec.form() != LossInfo::one_logit || context_.counts.empty() || context_.counts.size() == 2,
               info.name, ": one logit tells two classes apart, but there are training samples of ",
               context_.counts.size());
  for (const double weight : class_weights_) {
    CP_ENSURE_AS(invalid_argument, weight >= 0 && std::isfinite(weight), info.name, ": a class weight of ", weight,
                 "; class weights are finite and not negative");
  }
  CP_ENSURE_AS(invalid_argument,
               context_.spec.form() != LossInfo::one_logit || class_weights_.empty() || class_weights_.size() == 2,
               info.name, ": one logit tells two classes apart, but there are weights of ", class_weights_.size());
  set_progress(1);
}

Loss::Loss(const std::string& name, const LossParams& given, const LossOptions& options)
    : Loss(resolve(find_loss(name), find_loss(name).form(), given), options) {}

void Loss::set_progress(double progress) {
  CP_ENSURE_AS(invalid_argument, 0 <= progress && progress <= 1, info().name, ": a progress of ", progress,
               "; it is the fraction of training that is done, from 0 to 1");
  context_.progress = progress;
  context_.weights = progress >= defer_weights_ ? class_weights_ : std::vector<double>();
}

std::optional<LogitScaling> Loss::scaling() const {
  if (!info().scaling) return std::nullopt;
  return info().scaling(context_);
}

void Loss::restore(LossState state) {
  CP_ENSURE_AS(bad_data, state.empty() || info().is(LossInfo::stateful), info().name, ": has no state to restore");
  context_.state = std::move(state);
}

// Whether a sample has no class of its own, but probabilities.
static bool are_soft(const Labels& y) {
  const auto between = [](double positive) { return positive != 0 && positive != 1; };
  return y.probabilities.defined() || std::any_of(y.positive_values.begin(), y.positive_values.end(), between);
}

Var Loss::values(const Var& z, const Labels& y) {
  const Index N = y.size();
  CP_ENSURE(N > 0, info().name, ": the batch is empty");
  CP_ENSURE(z.shape().rank() >= 1 && z.shape()[0] == N, info().name, ": ", N, " labels for logits of shape ",
            z.shape());
  CP_ENSURE(info().is(LossInfo::soft_targets) || !are_soft(y), info().name,
            " takes classes, not soft targets; those that do have the trait LossInfo::soft_targets");
  const size_t counts = context_.counts.size();
  if (spec().form() == LossInfo::one_logit) {
    CP_ENSURE(z.value().size() == N, info().name, ": logits ", z.shape(), " but this loss takes one per sample",
              info().outputs == LossInfo::either ? "; its other form is LossInfo::logit_per_class" : "");
    CP_ENSURE(y.positive_class == 0 || y.positive_class == 1, info().name, ": the positive class ", y.positive_class,
              " is neither 0 nor 1, the classes that one logit tells apart");
    check_labels(y, 2);
    return info().function(reshape(z, {N}), y, context_);
  }
  CP_ENSURE(z.shape().rank() == 2 && z.shape()[1] >= 2, info().name, ": logits ", z.shape(),
            " but this loss takes one for each class, [N, K]");
  CP_ENSURE(counts == 0 || Index(counts) == z.shape()[1], info().name, ": training samples of ", counts,
            " classes for logits of ", z.shape()[1]);
  CP_ENSURE(context_.weights.empty() || Index(context_.weights.size()) == z.shape()[1], info().name, ": weights of ",
            context_.weights.size(), " classes for logits of ", z.shape()[1]);
  check_labels(y, z.shape()[1]);
  return info().function(z, y, context_);
}

void Loss::check_labels(const Labels& y, Index K) const {
  for (const int32_t label : y.classes) {
    CP_ENSURE((0 <= label && label < K) || label == ignored_label_, info().name, ": label ", label,
              " is not one of the ", K, " classes");
  }
}

Var Loss::per_sample(const Var& z, const Labels& y) {
  const Var loss = values(z, y);
  if (info().is(LossInfo::weighs_itself) || context_.weights.empty()) return loss;
  return loss * by_class(z, y, context_.weights);
}

Var Loss::operator()(const Var& z, const Labels& y) {
  const Var loss = per_sample(z, y);
  if (info().is(LossInfo::batch_level)) return loss;
  Totals totals;
  add(totals, y, std::vector<double>(y.classes.size(), 1));
  return sum(loss) * (1 / denominator(totals));
}

Var Loss::operator()(const Var& z, const std::vector<int32_t>& classes, int32_t positive) {
  return (*this)(z, make_labels(z.backend(), classes, positive, z.value().dtype()));
}

Var Loss::mixed(const Var& z, const Labels& y, const Labels& other, const std::vector<float>& own) {
  CP_ENSURE_AS(invalid_argument, !info().is(LossInfo::stateful), info().name,
               ": counts whole samples, and does not go with mixed ones");
  CP_ENSURE(other.size() == y.size() && own.size() == y.classes.size(), info().name,
            ": mixed labels of different lengths");
  if (info().is(LossInfo::batch_level)) {  // not a sum over samples, so the labels are mixed instead
    CP_ENSURE_AS(invalid_argument, context_.weights.empty(), info().name,
                 ": class weights do not go with mixed samples");
    const bool binary = spec().form() == LossInfo::one_logit;
    return per_sample(z, interpolate_labels(y, other, own, binary ? 0 : z.shape()[1]));
  }
  const std::vector<double> first(own.begin(), own.end());
  std::vector<double> second;
  for (const double share : first) second.push_back(1 - share);
  const Tensor a = tensor_like(z, {y.size()}, first), b = tensor_like(z, {y.size()}, second);
  Totals totals;
  add(totals, y, first);
  add(totals, other, second);
  return sum(per_sample(z, y) * a + per_sample(z, other) * b) * (1 / denominator(totals));
}

void Loss::add(Totals& totals, const Labels& y, const std::vector<double>& share) const {
  const bool soft = y.probabilities.defined();  // then no sample has one class
  const bool weighted = !context_.weights.empty() && !soft;
  for (size_t n = 0; n < share.size(); ++n) {
    if (!soft && y.classes[n] == ignored_label_) continue;
    totals.samples += share[n];
    totals.weights += share[n] * (weighted ? context_.weights.at(y.classes[n]) : 1);
    totals.positives += share[n] * y.positive_values[n];
  }
}

double Loss::denominator(const Totals& totals) const {
  if (reduction_ == Reduction::sum) return 1;
  CP_ENSURE(totals.samples > 0, info().name, ": all labels of this batch are ignored, so it has no mean");
  if (reduction_ == Reduction::mean) return totals.samples;
  if (reduction_ == Reduction::positives) return std::max(totals.positives, 1.);
  CP_ENSURE(totals.weights > 0, info().name, ": all weights of this batch are 0, so it has no weighted mean");
  return totals.weights;
}

}  // namespace counterpoise
