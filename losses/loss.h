// A loss ready for use: a row of the registry with its parameters, class weights and denominator.
//
//   Loss focal("focal", {{"gamma", 2}});                        // takes one logit per sample
//   focal(net(x), classes).backward();                          // std::vector<int32_t>; class 1 is the positive one
//   Loss softmax(resolve("focal", LossInfo::logit_per_class));  // takes a logit per class
#pragma once

#include <optional>

#include "losses/registry.h"

namespace counterpoise {

struct LossOptions {
  std::vector<int64_t> counts = {};        // [K] training samples of each class, for losses that need them
  std::vector<double> class_weights = {};  // [K]; empty: none
  std::string reduction = "";              // as parse_reduction() takes it; "": the loss's own
  double defer_weights = 0;  // class weights apply from this fraction of training on (DRW, Cao et al. 2019)
  uint64_t seed = 0;         // of losses that draw random numbers
};

// Thread safety: a Loss must not be used by two threads at once, because calls may update its state.
class Loss {
 public:
  // Throws Error(invalid_argument) for options that do not go with the loss.
  explicit Loss(LossSpec spec, const LossOptions& options = {});
  // A loss by its name, of one logit per sample if it has that form, else of a logit per class. Throws also what
  // find_loss() and resolve() throw.
  explicit Loss(const std::string& name, const LossParams& given = {}, const LossOptions& options = {});

  const LossSpec& spec() const { return context_.spec; }
  const LossInfo& info() const { return spec().info(); }
  Reduction reduction() const { return reduction_; }
  // What the loss makes of the logits, where it is the cross-entropy of scaled and shifted ones.
  std::optional<LogitScaling> scaling() const;

  // The loss of a batch, []. z is [N] or [N, 1] for one logit per sample, else [N, K]. Throws for an empty batch, for z
  // of another shape, for labels that are not classes of z (0 and 1 for one logit, of which one is the positive class),
  // for soft targets unless the loss takes them (LossInfo::soft_targets), and where the denominator is 0.
  Var operator()(const Var& z, const Labels& y);
  // The same for the class of each sample, [N].
  Var operator()(const Var& z, const std::vector<int32_t>& classes, int32_t positive = 1);
  // The loss of each sample times its class weight, [N] (PyTorch's reduction="none"); [] for a batch_level loss.
  Var per_sample(const Var& z, const Labels& y);
  // The loss of mixed samples (mixup, CutMix): own[n] times the loss with the labels `y` plus 1 - own[n] times the loss
  // with those of `other` (Zhang et al. 2018, arXiv:1710.09412). Throws Error(invalid_argument) for a stateful loss.
  Var mixed(const Var& z, const Labels& y, const Labels& other, const std::vector<float>& own);

  // The fraction of training that is done, 0 to 1 (1 at first): decides whether class weights apply, and when some
  // losses change. Throws Error(invalid_argument) for others.
  void set_progress(double progress);
  // In training, stateful losses update their state with each batch; off at first.
  void train(bool on) { context_.training = on; }
  // [N] L1 norms of the next batch's features, for influence-balanced. With `detach` 0 gradients flow to them.
  void set_feature_norms(Var norms) { context_.feature_norms = std::move(norms); }
  // A parameter of the loss that is learned, "delta" or "l" of autobalance: its values replace those of the state, and
  // gradients flow to it.
  void set_variable(const std::string& name, Var variable) { context_.variables[name] = std::move(variable); }

  // What a stateful loss remembers of earlier batches, to be saved and restored. restore() throws Error(bad_data) if
  // this loss has no state.
  const LossState& state() const { return context_.state; }
  void restore(LossState state);

 private:
  // What the sum over a batch may be divided by.
  struct Totals {
    double samples = 0, weights = 0, positives = 0;
  };

  Var values(const Var& z, const Labels& y);
  void check_labels(const Labels& y, Index K) const;
  // Counts each sample that is not ignored, share[n] of it.
  void add(Totals& totals, const Labels& y, const std::vector<double>& share) const;
  double denominator(const Totals& totals) const;

  Reduction reduction_;
  std::optional<int32_t> ignored_label_;
  std::vector<double> class_weights_;
  double defer_weights_;
  LossContext context_;
};

}  // namespace counterpoise
