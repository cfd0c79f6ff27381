// Which class the training signal comes from: the parts of the loss, and of the gradient on the logits, that the
// samples of each class contribute. With many dogs and few cats both are the dogs' at first; class weights balance
// them. Not thread-safe.
#pragma once

#include <vector>

#include "data/loader.h"
#include "losses/loss.h"

namespace counterpoise {

class ClassShares {
 public:
  // A remote backend is read from in one of so many steps only, because the program has to wait for it.
  explicit ClassShares(size_t classes) : loss_(classes), gradient_(classes) {}

  // Between the network and the loss: returns the logits z [N, K] unchanged, in such a way that collect() sees their
  // gradient; and computes each sample's loss, of `loss` as it is before the step. Does nothing in most steps on a
  // remote backend.
  Var watch(const Var& z, const Labels& labels, const Loss& loss, int64_t step);
  // After the backward pass: adds the batch.
  void collect(const std::vector<int32_t>& labels);

  // Of the samples so far: the class's part of the mean loss, so that the parts add up to it, and its part of the sum
  // of the absolute gradients on the logits, per step. All NaN for a loss that is one number for a whole batch; the
  // loss parts only.
  std::vector<double> loss() const;
  std::vector<double> gradient() const;

  // The sums, to be saved and restored.
  std::vector<double> state() const;
  void restore(const std::vector<double>& state);
  // Begins a new epoch.
  void reset() { *this = ClassShares(loss_.size()); }

 private:
  std::vector<double> loss_, gradient_;  // sums
  double samples_ = 0, steps_ = 0;
  bool has_losses_ = true;
  // Of the step that is watched.
  std::vector<double> losses_;  // [N]
  Tensor gradients_;            // [N, K]; undefined: not watched
};

}  // namespace counterpoise
