// Reduces the learning rate when a metric stops improving: PyTorch's ReduceLROnPlateau, as a factor of the rate.
//
//   Plateau plateau;                            // for a metric that is better when it is higher
//   for (int epoch = 0; epoch < epochs; ++epoch) {
//     train(schedule.lr * plateau.scale());
//     plateau.update(average_precision_of_validation());
//   }
//
// An object belongs to one thread at a time.
#pragma once

#include <cstdint>

namespace counterpoise {

struct PlateauOptions {
  bool maximize = true;     // whether the metric is better when it is higher; false for a loss
  double factor = 0.1;      // of each reduction; above 0 and below 1
  int64_t patience = 10;    // the number of epochs without improvement that are tolerated
  double threshold = 1e-4;  // an improvement is better than best (1 + threshold), or best (1 - threshold) to minimize
  int64_t cooldown = 0;     // epochs after a reduction in which none is counted as being without improvement
  double min_scale = 0;     // the scale is not reduced below this: PyTorch's min_lr divided by the initial rate
};

class Plateau {
 public:
  // Throws Error(invalid_argument) for options out of range.
  explicit Plateau(const PlateauOptions& options = {});

  // The metric of one more epoch. Returns whether the scale was reduced: after patience + 1 epochs in sequence without
  // improvement. NaN is no improvement.
  bool update(double metric);

  // 1 at first; factor^n after n reductions, or min_scale.
  double scale() const { return state_.scale; }

  // All that update() depends on, to continue a run later.
  struct State {
    double best;         // infinite before the first epoch
    double scale;        // the product of the reductions
    int64_t bad_epochs;  // epochs without improvement in sequence
    int64_t cooldown;    // epochs of cooldown that are left
  };
  const State& state() const { return state_; }
  // Throws Error(bad_data) for a scale outside (0, 1] and for negative numbers of epochs.
  void load(const State& state);

 private:
  PlateauOptions options_;
  State state_;
};

}  // namespace counterpoise
