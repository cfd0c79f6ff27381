// The exponential moving average of a network's weights, which is often a better network than the last weights are
// (Polyak and Juditsky 1992; Tarvainen and Valpola 2017, arXiv:1703.01780).
//
//   Ema ema(net.trainable(), /*decay=*/0.999);
//   optimizer.step(), ema.update();            // in every step
//   ema.swap(), evaluate(net), ema.swap();     // now and then
#pragma once

#include <vector>

#include "core/var.h"

namespace counterpoise {

// Not thread-safe.
class Ema {
 public:
  // Averages of the parameters, and of buffers such as running means, which begin with their present values. Throws
  // Error(invalid_argument) unless decay is in [0, 1), and Error(failure) unless all are in one dtype, f32 or f64, and
  // on one backend.
  Ema(std::vector<Var> parameters, double decay);

  // average = d average + (1 - d) parameter. d is the decay, but in the first steps t = 1, 2, ... at most
  // (1 + t) / (10 + t), so that the initial weights are soon forgotten. Throws Error(failure), and changes nothing, if
  // parameters have another dtype or backend than the averages, because cast() or to() changed them: construct an Ema
  // after that.
  void update();
  // Exchanges the averages and the parameters' values: a second swap() takes it back. Throws what update() throws.
  void swap();

  // The averages and the number of steps, to be saved with clone() and loaded again. load() throws Error(failure) for
  // another number of tensors, or other shapes, dtypes or backends, and for a negative number of steps.
  const std::vector<Tensor>& averages() const { return averages_; }
  int64_t steps() const { return steps_; }
  void load(std::vector<Tensor> averages, int64_t steps);

 private:
  void check_parameters() const;

  std::vector<Var> parameters_;
  double decay_;
  std::vector<Tensor> averages_;
  int64_t steps_ = 0;
};

}  // namespace counterpoise
