// AutoBalance's search, the phase of a run with --loss autobalance before its training: a network is trained on one
// part of the training images, and every few steps the loss's Delta and l (losses/autobalance.h) make a step along the
// hyper-gradient (optim/hyper_gradient.h) of the balanced cross-entropy on the other part. Li et al. 2021
// (arXiv:2201.01212). Not thread-safe.
//
// As in the authors' code the network is in training mode for these gradients: batch normalization uses the batch's
// statistics, and the validation images are augmented, too. The running statistics and the counters of Dropout's random
// numbers are put back, so that every gradient of a step is of one function. The upper optimizer is SGD with momentum
// 0.9 and weight decay 1e-4, and its learning rates follow --schedule. Unlike that code, which steps it once more with
// a zero gradient after every training step, it makes a step only where there is a hyper-gradient.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/trainer/checkpoint.h"
#include "apps/trainer/data_sets.h"
#include "apps/trainer/progress.h"
#include "layers/models/models.h"

namespace counterpoise {

// Throws Error(invalid_argument) for options that contradict --loss autobalance. Does nothing for other losses.
void check_autobalance(const Options& options);

// The number of epochs of the search: 0 for other losses.
int search_epochs(const Options& options);

class AutoBalanceSearch {
 public:
  // What the training does around it.
  struct Hooks {
    std::function<void(const std::string&)> say;
    std::function<bool()> checkpoint_is_due;
    std::function<void(const LoopPosition&)> checkpoint;
    // After each epoch, before its checkpoint: what is known of it, for log.jsonl.
    std::function<void(const nlohmann::ordered_json&)> after_epoch;
  };

  // Begins with the weights of `start` and with the Delta and l in the state of `loss`, or with their initial values.
  // The options, the data and the backend must outlive it. Throws Error(bad_data) if that state has another number of
  // classes.
  AutoBalanceSearch(const Options& options, const TrainingData& data, Backend& backend, Model& start, const Loss& loss);

  // Searches to the end, or from where resume() left off. Returns false if a stop signal arrived. Throws
  // Error(diverged).
  bool run(const Hooks& hooks);

  // The Delta and l so far, for Loss::restore().
  LossState learned() const;
  // A row for each epoch: "epoch,loss,balanced_loss,curvature,delta:CLASS,...,l:CLASS,...". `loss` is the training
  // loss, `balanced_loss` and `curvature` (hyper_gradient.h) are means over the epoch's steps of Delta and l, empty
  // without.
  const std::string& table() const { return table_; }
  int64_t steps() const { return steps_; }
  int64_t total_steps() const { return total_steps_; }

  // Writes a checkpoint, whose notes have the key "search". resume() restores all from it.
  void save(const std::string& path, const LoopPosition& position, nlohmann::json notes);
  void resume(const std::string& path);

 private:
  // Training batches or validation batches of one step of Delta and l.
  using Batches = std::vector<Batch>;

  double parameter(const char* name) const { return options_.loss_spec[name]; }
  TrainingState state() { return {*model_, *optimizer_, *loss_}; }
  Batches take(DataLoader& loader, const char* count) const;
  Var logits(const Batch& batch) const;
  bool is_due(const Step& step) const;
  void step_hyper(const Step& step);
  void put(const LossState& learned);
  bool after_epoch(const EpochResult& epoch, const Hooks& hooks);

  const Options& options_;
  const TrainingData& data_;
  Backend& backend_;
  const int epochs_;
  Loss balanced_;  // of the validation images
  DataLoader loader_, training_batches_, validation_batches_;
  const int64_t total_steps_;
  Progress progress_;
  std::unique_ptr<Model> model_;
  std::optional<Optimizer> optimizer_;
  std::unique_ptr<Loss> loss_, differentiated_;  // the second with delta_ and l_ as variables
  Var delta_, l_;
  std::optional<Optimizer> of_delta_, of_l_;
  std::vector<double> validation_weights_;  // N / (K n_c), of the classes
  std::string table_;
  LoopPosition position_;  // where run() begins
  int64_t steps_ = 0;
  int64_t hyper_steps_ = 0;
  double balanced_sum_ = 0, curvature_sum_ = 0;  // of the epoch's steps of Delta and l
  int64_t epoch_hyper_steps_ = 0;
};

// For result.json: the learned numbers of each class, and how l goes with log(n_k / N): the slope of the line of least
// squares and the correlation, null where they are undefined.
nlohmann::ordered_json autobalance_json(const LossState& learned, const TrainingData& data);

}  // namespace counterpoise
