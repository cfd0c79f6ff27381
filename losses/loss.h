// A loss ready for use: a row of the registry with its parameters, class weights and denominator.
//
//   Loss focal("focal", {{"gamma", 2}});                            // of one logit per sample
//   focal(net(x), classes).backward();                              // classes: std::vector<int32_t>, 1 is positive
//   Loss softmax(resolve("focal", LossInfo::logit_per_class));      // of a logit per class
#pragma once

#include <optional>

#include "losses/registry.h"

namespace counterpoise {

struct LossOptions {
  std::vector<int64_t> counts = {};        // [K] training samples of each class, where the loss needs them
  std::vector<double> class_weights = {};  // [K], or none
  std::string reduction = "";              // as parse_reduction() takes it; "": the loss's own
  double defer_weights = 0;                // class weights apply from this part of training on (Cao et al. 2019, DRW)
  uint64_t seed = 0;
};

// Thread safety: none of the member functions may be called while another thread uses the same Loss: calls share the
// context and, in stateful losses, move the state.
class Loss {
 public:
  // Throws Error(invalid_argument) for options that the loss does not take.
  explicit Loss(LossSpec spec, const LossOptions& options = {});
  // A loss by its name, of one logit per sample where it has that form. Throws also as find_loss() and resolve() do.
  explicit Loss(const std::string& name, const LossParams& given = {}, const LossOptions& options = {});

  const LossSpec& spec() const { return context_.spec; }
  const LossInfo& info() const { return spec().info(); }
  Reduction reduction() const { return reduction_; }

  // The loss of a batch, []: z is [N, 1] or [N] for one logit, else [N, K]. Throws for an empty batch, for z of the
  // wrong shape, and where the denominator is 0.
  Var operator()(const Var& z, const Labels& y);
  // The same with the class of each sample, [N].
  Var operator()(const Var& z, const std::vector<int32_t>& classes, int32_t positive = 1);
  // The loss of each sample times its class weight, [N] (PyTorch's reduction="none"); [] for a batch_level loss.
  Var per_sample(const Var& z, const Labels& y);
  // Of samples that are mixtures: sample n is own[n] of the class in `y` and 1 - own[n] of that in `other`, and its
  // loss is the sum of the two, so weighted (Zhang et al. 2018, arXiv:1710.09412). Throws for a stateful loss.
  Var mixed(const Var& z, const Labels& y, const Labels& other, const std::vector<float>& own);

  // Where training stands, 0 to 1: decides whether class weights apply and what some losses do.
  void set_progress(double progress);
  // Whether states move; not so at first.
  void train(bool on) { context_.training = on; }
  // [N] L1 norms of the features of the batch to come, for influence-balanced.
  void set_feature_norms(Tensor norms) { context_.feature_norms = std::move(norms); }

  // What the loss remembers of earlier batches, to be saved and restored. Throws for the state of another loss.
  const LossState& state() const { return context_.state; }
  void restore(LossState state);

 private:
  // What a batch's mean may be divided by.
  struct Totals {
    double samples = 0, weights = 0, positives = 0;
  };

  Var values(const Var& z, const Labels& y);
  // Adds share[n] of each sample that is not ignored.
  void add(Totals& totals, const Labels& y, const std::vector<double>& share) const;
  double denominator(const Totals& totals) const;

  Reduction reduction_;
  std::optional<int32_t> ignored_label_;
  std::vector<double> class_weights_;
  double defer_weights_;
  LossContext context_;
};

}  // namespace counterpoise
