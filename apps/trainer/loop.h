// The training loop: steps over the batches of a DataLoader, epoch after epoch.
//
//   Adam optimizer(net.trainable());
//   TrainingLoop loop;
//   loop.forward = [&](const Batch& batch, const Step&) { return loss(net(batch.x), batch.labels); };
//   loop.lr = [](const Step&) { return 1e-3; };
//   loop.epochs = 10;
//   loop.run(loader, optimizer, net.trainable());
#pragma once

#include <functional>
#include <vector>

#include "core/var.h"
#include "data/loader.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace counterpoise {

// A step of training: its position and, for after_step, its result.
struct Step {
  int64_t index = 0;  // the number of steps before it
  int epoch = 1;      // 1 is the first
  size_t index_in_epoch = 0;
  double lr = 0;  // for `forward` and after_step
  double loss = 0;
  size_t samples = 0;       // in its batch
  double seconds = 0;       // between its result and that of the step before it
  double data_seconds = 0;  // that the DataLoader took for the batch
};

// A place between two steps, from which a run can be continued.
struct LoopPosition {
  int epoch = 1;
  size_t batches = 0;         // of the epoch that were taken, with those of which nothing could be read
  size_t index_in_epoch = 0;  // steps of the epoch
  int64_t steps = 0;          // of all epochs
  double loss_sum = 0;        // of the samples of the epoch
  size_t samples = 0;         // of the epoch
};

// The result of an epoch.
struct EpochResult {
  int epoch = 1;
  int64_t steps = 0;   // since training began
  double loss = 0;     // the mean over its samples
  size_t samples = 0;  // that could be read
  double seconds = 0;
  LoopPosition position;  // where it ended: in its middle if `stop` said so
  // Where the next one begins.
  LoopPosition next() const { return {epoch + 1, 0, 0, steps}; }
};

// Set `forward` and `lr`; the rest is optional. Not safe to use from several threads.
struct TrainingLoop {
  // Returns the loss [] of a batch, from which the gradients are computed.
  std::function<Var(const Batch& batch, const Step& step)> forward;
  // The learning rate of a step.
  std::function<double(const Step& step)> lr;

  int epochs = 1;
  int64_t max_steps = 0;     // in all epochs; 0: no limit
  double max_norm = 0;       // gradients are clipped to this norm (clip_by_norm() of optim/clip.h); 0: they are not
  uint64_t first_epoch = 1;  // the number that the DataLoader gives the first epoch
  LoopPosition start = {};   // where an earlier run was left: this one does what that one would have done

  // Runs each step, from `forward` to after_update, where it is set; it must outlive the run.
  StepGraph* graph = nullptr;

  // The samples of an epoch in order, instead of those that the DataLoader's sampler draws.
  std::function<std::vector<size_t>(int epoch)> order;
  std::function<void(const Step& step)> after_step;
  // Called when the update of a step was enqueued, before its loss is known: for averages of the weights (optim/ema.h).
  std::function<void(const Step& step)> after_update;
  // Called after a step, when its result and those of all steps before it are known, if checkpoint_is_due() says so:
  // all that the run depends on can be saved now. The position is that of the next step.
  std::function<bool()> checkpoint_is_due;
  std::function<void(const LoopPosition& position)> checkpoint;
  // Training ends where it returns false.
  std::function<bool(const EpochResult& result)> after_epoch;
  // Called before each step and each epoch: training ends where it returns true.
  std::function<bool()> stop;

  // Trains `parameters`, which the optimizer updates. Returns the number of steps. Throws Error(diverged), which names
  // step, epoch and learning rate, if the loss or the sum of the squares of the gradients is not finite; parameters and
  // optimizer are then as they were before that step.
  //
  // The program does not wait for these two numbers before it updates the parameters: the update itself is skipped
  // where one is not finite. On a remote backend a step is enqueued before the result of the step before it is read, so
  // that the GPU always has work; after_step is called when the result is read, and for all steps of an epoch before
  // after_epoch. `forward` may then be called once more after a step that diverged, whose update is skipped, too.
  int64_t run(DataLoader& loader, Optimizer& optimizer, const std::vector<Var>& parameters) const;
};

// TrainingLoop::lr by a schedule, for a run of so many epochs of the loader, or of `steps` if these are fewer.
std::function<double(const Step& step)> scheduled_lr(const Schedule& schedule, const DataLoader& loader, int epochs,
                                                     int64_t steps);

}  // namespace counterpoise
