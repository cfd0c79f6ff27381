#include "apps/trainer/loop.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <deque>
#include <memory>
#include <utility>

#include "apps/trainer/progress.h"
#include "kernels/error.h"
#include "optim/clip.h"

namespace counterpoise {

namespace {

using Clock = std::chrono::steady_clock;

void check_finite(double value, const char* what, const Step& step) {
  if (std::isfinite(value)) return;
  throw Error(ErrorKind::diverged, "training diverged: the ", what, " is ", std::isnan(value) ? "NaN" : "infinite",
              " at step ", step.index + 1, " (epoch ", step.epoch, ", learning rate ", step.lr, ")");
}

// What decides whether a step diverged: its loss and the sum of the squares of its gradients. They stay on the backend,
// where the update reads them, and are copied to the host without delaying it. Two steps are kept: while the copy of
// one is under way the next one is computed, and its update is skipped, too, if the first one diverged.
class StepNumbers {
 public:
  explicit StepNumbers(Backend& backend)
      : numbers_(Tensor::zeros(backend, {steps, 2}, DType::f64)), squares_(Tensor::zeros(backend, {}, DType::f64)) {
    for (auto& readback : readbacks_) readback = backend.make_readback(2 * sizeof(double));
  }

  void compute(int64_t step, const Var& loss, const std::vector<Var>& parameters) {
    const View all = numbers_;
    double* const row = all.as<double>() + 2 * (step % steps);
    Backend& backend = numbers_.backend();
    backend.cast(loss.value(), View{row, loss.shape(), DType::f64});
    backend.sum_squares(gradients(parameters), squares_);
    backend.copy(squares_, View{row + 1, {}, DType::f64});
  }
  // Requests the copy of what compute() computed.
  void request(int64_t step) {
    const ConstView all = numbers_;
    const double* const row = all.as<double>() + 2 * (step % steps);
    readbacks_[step % steps]->start(ConstView{row, {2}, DType::f64});
  }
  // The same step's numbers: loss and sum of squares. Waits for them.
  std::pair<double, double> wait(int64_t step) {
    const double* row = static_cast<const double*>(readbacks_[step % steps]->wait());
    return {row[0], row[1]};
  }
  // For Optimizer::step(): the numbers of this step and of the one before it.
  const Tensor& guard() const { return numbers_; }
  // The sum of the squares of the gradients of the step that was computed last.
  const Tensor& squares() const { return squares_; }

 private:
  static constexpr int64_t steps = 2;
  Tensor numbers_;  // a row for each step, in turns
  Tensor squares_;
  std::unique_ptr<Readback> readbacks_[steps];
};

// One run of a TrainingLoop.
class Run {
 public:
  Run(const TrainingLoop& loop, DataLoader& loader, Optimizer& optimizer, const std::vector<Var>& parameters)
      : loop_(loop), loader_(loader), optimizer_(optimizer), parameters_(parameters) {}

  int64_t run() {
    try {
      steps_ = loop_.start.steps;
      for (int epoch = loop_.start.epoch; epoch <= loop_.epochs; ++epoch) {
        // An epoch that was begun is ended, even if it has no step left.
        const bool begun = epoch == loop_.start.epoch && loop_.start.batches > 0;
        if ((!begun && ends()) || !run_epoch(epoch)) break;
      }
    } catch (...) {
      settle(0);  // a step that ended before this one failed; if it diverged, that is the first error
      throw;
    }
    return steps_;
  }

 private:
  // A step that was enqueued and whose numbers were not read.
  struct Pending {
    Step step;
    std::vector<Optimizer::State> before;  // the optimizer's states, to which it returns if the step has diverged
  };

  bool ends() const { return (loop_.max_steps > 0 && steps_ >= loop_.max_steps) || (loop_.stop && loop_.stop()); }

  // Returns false if training ends with this epoch.
  bool run_epoch(int epoch) {
    const uint64_t number = loop_.first_epoch + static_cast<uint64_t>(epoch - 1);
    const Clock::time_point epoch_start = Clock::now();
    LoopPosition begin;  // of this epoch, or where it is continued
    if (epoch == loop_.start.epoch) begin = loop_.start;
    loader_.start(number, loop_.order ? loop_.order(epoch) : loader_.order(number), begin.batches, steps_);
    result_ = EpochResult();
    result_.epoch = epoch;
    result_.samples = begin.samples;
    sum_ = begin.loss_sum;
    step_start_ = Clock::now();
    Batch batch, next;
    Step step;
    step.epoch = epoch;
    step.index_in_epoch = begin.index_in_epoch;
    size_t batches = begin.batches;
    const auto position = [&] {
      return LoopPosition{epoch, batches, step.index_in_epoch, steps_, sum_, result_.samples};
    };
    for (bool more = loader_.next(next); more && !ends();) {
      batch = std::move(next);
      batches = batch.index + 1;
      step.index = steps_;
      step.lr = loop_.lr(step);
      step.samples = batch.size();
      step.data_seconds = batch.seconds;
      enqueue(batch, step);
      more = (loop_.max_steps == 0 || steps_ < loop_.max_steps) && loader_.next(next);
      // A remote backend has just begun this step: it computes while the program waits for the one before.
      settle(numbers_->guard().backend().is_remote() ? 1 : 0);
      ++step.index_in_epoch;
      if (loop_.checkpoint && loop_.checkpoint_is_due && loop_.checkpoint_is_due()) {
        settle(0);
        loop_.checkpoint(position());
      }
    }
    settle(0);
    result_.position = position();
    result_.steps = steps_;
    result_.loss = result_.samples ? sum_ / static_cast<double>(result_.samples) : 0;
    result_.seconds = seconds_since(epoch_start);
    return !loop_.after_epoch || loop_.after_epoch(result_);
  }

  void enqueue(const Batch& batch, const Step& step) {
    Pending pending = {step, optimizer_.states()};
    StepGraph as_it_comes;
    (loop_.graph ? *loop_.graph : as_it_comes).run([&] {
      const Var loss = loop_.forward(batch, step);
      loss.backward();
      if (!numbers_) numbers_ = std::make_unique<StepNumbers>(loss.backend());
      numbers_->compute(step.index, loss, parameters_);
      optimizer_.step(step.lr, numbers_->guard(), {numbers_->squares(), loop_.max_norm});
      if (loop_.after_update) loop_.after_update(step);
    });
    numbers_->request(step.index);
    pending_.push_back(std::move(pending));
    ++steps_;
  }

  // Reads the numbers of the first pending steps and reports them, until only `rest` are left.
  void settle(size_t rest) {
    while (pending_.size() > rest) {
      Pending first = std::move(pending_.front());
      pending_.pop_front();
      Step& step = first.step;
      const auto [loss, squares] = numbers_->wait(step.index);
      if (!std::isfinite(loss) || !std::isfinite(squares)) {
        pending_.clear();  // their updates were skipped, too
        optimizer_.load(std::move(first.before));
      }
      step.loss = loss;
      check_finite(loss, "loss", step);
      check_finite(squares, "gradient", step);
      sum_ += step.loss * static_cast<double>(step.samples);
      result_.samples += step.samples;
      step.seconds = seconds_since(step_start_);
      step_start_ = Clock::now();
      if (loop_.after_step) loop_.after_step(step);
    }
  }

  const TrainingLoop& loop_;
  DataLoader& loader_;
  Optimizer& optimizer_;
  const std::vector<Var>& parameters_;

  int64_t steps_ = 0;  // that were enqueued
  std::unique_ptr<StepNumbers> numbers_;
  std::deque<Pending> pending_;
  // Of the epoch.
  EpochResult result_;
  double sum_ = 0;  // of the losses of all samples
  Clock::time_point step_start_;
};

}  // namespace

int64_t TrainingLoop::run(DataLoader& loader, Optimizer& optimizer, const std::vector<Var>& parameters) const {
  return Run(*this, loader, optimizer, parameters).run();
}

std::function<double(const Step& step)> scheduled_lr(const Schedule& schedule, const DataLoader& loader, int epochs,
                                                     int64_t steps) {
  const double steps_per_epoch = static_cast<double>(loader.batches_in(loader.order(1)));
  const double all = std::min<double>(epochs, static_cast<double>(steps) / steps_per_epoch);
  return [schedule, steps_per_epoch, all](const Step& step) {
    return schedule.at(static_cast<double>(step.index) / steps_per_epoch, all, steps_per_epoch);
  };
}

}  // namespace counterpoise
