#include "apps/trainer/loop.h"

#include <chrono>
#include <cmath>

#include "kernels/error.h"

namespace counterpoise {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void check_finite(double value, const char* what, const Step& step) {
  if (std::isfinite(value)) return;
  throw Error(ErrorKind::diverged, "training diverged: the ", what, " is ", std::isnan(value) ? "NaN" : "infinite",
              " at step ", step.index + 1, " (epoch ", step.epoch, ", learning rate ", step.lr, ")");
}

}  // namespace

int64_t TrainingLoop::run(DataLoader& loader, Optimizer& optimizer, const std::vector<Var>& parameters) const {
  const auto ends = [&](int64_t steps) { return (max_steps > 0 && steps >= max_steps) || (stop && stop()); };
  int64_t steps = 0;
  for (int epoch = 1; epoch <= epochs && !ends(steps); ++epoch) {
    const uint64_t number = first_epoch + static_cast<uint64_t>(epoch - 1);
    const Clock::time_point epoch_start = Clock::now();
    loader.start(number, order ? order(epoch) : loader.order(number));
    EpochResult result;
    result.epoch = epoch;
    double sum = 0;
    Clock::time_point step_start = Clock::now();
    Batch batch, next;
    Step step;
    step.epoch = epoch;
    for (bool more = loader.next(next); more && !ends(steps); ++step.index_in_epoch) {
      batch = std::move(next);
      step.index = steps;
      step.lr = lr(step);
      step.samples = batch.size();
      step.data_seconds = batch.seconds;
      const Var loss = forward(batch, step);
      loss.backward();
      more = (max_steps == 0 || steps + 1 < max_steps) && loader.next(next);
      step.loss = loss.value().item();
      check_finite(step.loss, "loss", step);
      std::vector<ConstView> gradients;
      for (const Var& p : parameters) {
        if (p.grad().defined()) gradients.push_back(p.grad());
      }
      check_finite(loss.backend().sum_squares(gradients), "gradient", step);
      optimizer.step(step.lr);
      ++steps;
      sum += step.loss * static_cast<double>(step.samples);
      result.samples += step.samples;
      step.seconds = seconds_since(step_start);
      step_start = Clock::now();
      if (after_step) after_step(step);
    }
    result.steps = steps;
    result.loss = result.samples ? sum / static_cast<double>(result.samples) : 0;
    result.seconds = seconds_since(epoch_start);
    if (after_epoch && !after_epoch(result)) break;
  }
  return steps;
}

}  // namespace counterpoise
