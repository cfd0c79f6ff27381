// The learning rate over time. Safe to use from several threads.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace counterpoise {

struct Schedule {
  enum Kind { constant, step, multistep, cosine } kind = constant;
  double lr = 0.001;
  double warmup = 0;        // epochs in which the rate rises linearly to lr
  double step_every = 1;    // `step`: every so many epochs ...
  double step_gamma = 0.1;  // ... the rate is multiplied by this
  // `multistep`: at each of these epochs, which need not be whole, it is multiplied by step_gamma.
  std::vector<double> milestones = {};

  // The rate at `epoch` (a fraction: 2.5 is halfway through the third) of a run of `epochs`.
  //   step:   lr step_gamma^floor(epoch / step_every)
  //   multistep: lr step_gamma^(how many milestones are <= epoch), as PyTorch's MultiStepLR
  //   cosine: lr (1 + cos(pi t)) / 2, t from 0 after the warm-up to 1 at the end
  //           (Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5)
  // In a warm-up of W steps, W = warmup steps_per_epoch, step number i = 0, 1, ... has the rate lr (i + 1) / W: that of
  // the first step is not 0, and that of the last is lr (as PyTorch's LinearLR with start_factor 1 / W). Without
  // steps_per_epoch it is lr epoch / warmup, the line through 0.
  // Throws Error(invalid_argument) if step_every is not positive.
  double at(double epoch, double epochs, double steps_per_epoch = std::numeric_limits<double>::infinity()) const;
};

// "constant", "step", "multistep" or "cosine"; throws Error(invalid_argument) for others.
Schedule::Kind parse_schedule(const std::string& name);

}  // namespace counterpoise
