// One training run, from the options to the result. The declarations of train.cpp (the begin of a run, checkpoints),
// train_steps.cpp (training and evaluation) and train_result.cpp (what follows the last step). Not thread-safe.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/trainer/checkpoint.h"
#include "apps/trainer/class_shares.h"
#include "apps/trainer/data_sets.h"
#include "apps/trainer/evaluate.h"
#include "apps/trainer/loop.h"
#include "apps/trainer/post_mortem.h"
#include "apps/trainer/program.h"
#include "apps/trainer/progress.h"
#include "apps/trainer/result.h"
#include "apps/trainer/run_log.h"
#include "apps/trainer/run_start.h"
#include "layers/models/models.h"
#include "losses/loss.h"
#include "optim/ema.h"
#include "optim/optimizer.h"
#include "optim/plateau.h"

namespace counterpoise {

// How far the run is. Everything in it is in the checkpoints.
struct Standing {
  int64_t steps = 0;
  int epochs = 0;                       // that were evaluated
  int best_epoch = 0, saved_epoch = 0;  // the best one, and the last one whose weights were saved
  double best_value = 0;                // of the monitored metric
  bool complete = false;                // all epochs, or steps, are done and evaluated
};

class AutoBalanceSearch;

// One experiment: it trains a network as the options say, evaluates it and writes the results.
class Training {
 public:
  explicit Training(Options options);

  ~Training();
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  // The end of the message of an error that ends the run.
  std::string what_is_saved() const;
  // Returns ok, or 128 + the signal's number if a signal stopped it, after saving. Throws Error if it fails.
  Exit run();

 private:
  using Clock = std::chrono::steady_clock;
  void say(const std::string& text) { progress_.say(text); }
  RunFolder& folder() const { return log_->folder(); }

  // -- before the first step --

  void make_loss();

  // Restores the state of the loss from the metadata of the initial weights, if they were trained with the same loss.
  void restore_loss(const std::map<std::string, std::string>& metadata);
  void announce();
  std::string machine_text() const;

  // Writes what describes the run from its begin on.
  void begin();

  // -- checkpoints --

  std::vector<Var> averaged() const;
  TrainingState state() { return {*model_, *optimizer_, *loss_, ema_ ? &*ema_ : nullptr}; }

  bool checkpoint_is_due() const {
    return folder().wanted() && seconds_since(last_checkpoint_) >= 60 * o_.checkpoint_minutes;
  }
  // Of the training, or of the search before it.
  void save_checkpoint(const LoopPosition& position);
  // Where there is none yet, because a signal came before the first step.
  void save_first_checkpoint();
  nlohmann::json standing() const;
  nlohmann::json unreadable_notes() const;
  void resume();
  std::vector<Tensor> copy_weights() const;
  void set_weights(const std::vector<Tensor>& weights);

  // -- AutoBalance's search, before the training --

  // Learns the loss's Delta and l. Returns false if a stop signal arrived meanwhile.
  bool search();
  Exit stopped_in_search();

  // -- training --

  // Trains, and evaluates after each epoch.
  void train();

  // The loss of a batch.
  Var forward(const Batch& batch, const Step& step);

  // Returns whether training goes on.
  bool after_epoch(const EpochResult& epoch);

  // Evaluates before anything is saved: the loss of a step cannot show that its update ruined the weights. `after` says
  // what changed them. Throws Error(diverged).
  Evaluation evaluate_finite(DataLoader& loader, const std::string& after);

  // Returns false if a stop signal arrived meanwhile.
  bool evaluate_epoch(const EpochResult& epoch);
  void save(const char* name, int epoch) const;

  // Everything that another program needs to use the weights.
  std::map<std::string, std::string> metadata(int epoch) const;

  // -- after training --

  // Saves the weights as they are, for use; the checkpoint was saved when the signal was seen.
  Exit stopped();
  std::string how_to_resume() const { return "to go on: --resume " + start_.directory; }

  // The weights that were saved after the last epoch stay: those in memory may be half re-trained.
  Exit stopped_after_training();

  // Where there are test images, the result is that of the best epoch on them: validation images chose the epoch, and
  // the threshold. Without, it is that of the last epoch on the validation images, which then have chosen nothing.
  Exit finish();

  // The techniques that change weights. Returns false, as the others here do, if a stop signal arrived meanwhile.
  bool retrain();
  const char* tuning_images() const { return data_.test ? "validation" : "held-out training"; }

  // The decision before any technique: where the loss itself separates the classes.
  Decision plain_decision() const;
  // Sets the decision for the weights that the model has.
  bool choose_decision();

  // best.safetensors where the result is that of the last epoch: with a decision of its own, unless its weights would
  // have to be re-trained for that.
  bool finish_best(int epoch);
  void write_report();
  void tell(const TrainingResult& result, const Evaluation& validation);

  Options o_;
  Backend& backend_;
  TrainingData data_;
  DataLoader loader_, validation_loader_;
  const int64_t total_steps_;
  Progress progress_;
  RunStart start_;
  Decision decision_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Loss> loss_;
  bool head_is_new_ = true;  // no weights of a file are in it
  std::optional<Optimizer> optimizer_;
  std::optional<Ema> ema_;
  std::unique_ptr<AutoBalanceSearch> search_;  // until it is complete
  std::optional<Plateau> plateau_;             // of --schedule plateau
  std::unique_ptr<RunLog> log_;
  ClassShares shares_;  // of the epoch
  PostMortem post_mortem_;
  std::vector<int32_t> labels_;  // of the batch
  LoopPosition position_;        // where training begins
  Standing now_;
  std::vector<Tensor> best_weights_;  // with the buffers
  std::vector<std::string> notes_;    // on how the decision was chosen
  std::string threshold_by_;          // the rule that chose the threshold, and on which images; "" if none did
  bool tau_normalized_ = false;       // whether --tau-norm has changed the weights
  int last_epoch_ = 1;                // that was begun
  Clock::time_point last_checkpoint_;
};

}  // namespace counterpoise
