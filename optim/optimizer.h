// Optimizers turn gradients into steps: stochastic gradient descent, Adam, AdamW.
//
//   Adam optimizer(model.trainable(), /*lr=*/1e-3);
//   loss.backward();
//   optimizer.step();  // updates the weights and clears their gradients
//
// The update of one weight is a formula (kernels/updates.h), which runs on the weights' backend. An Optimizer owns the
// state that the formula keeps for each weight, and a row of optimizers() lists the hyper-parameters, so that a new
// optimizer is one formula and one row.
#pragma once

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/var.h"
#include "kernels/updates.h"
#include "optim/clip.h"
#include "optim/registry.h"

namespace counterpoise {

// Not thread-safe: one thread at a time may call the functions of an optimizer.
class Optimizer {
 public:
  // What an optimizer remembers of one parameter.
  struct State {
    int64_t steps = 0;  // a parameter without a gradient makes no step
    std::vector<Tensor>
        tensors;  // velocities or moments, in the parameter's shape and dtype; none before its first step
  };

  // Throws Error(failure) unless the parameters are on one backend, and all f32 or all f64, and each is a leaf that
  // requires a gradient and is given once.
  Optimizer(std::vector<Var> parameters, const Update& update);
  Optimizer(Optimizer&&) = default;  // a state has one owner
  Optimizer& operator=(Optimizer&&) = default;

  // Updates every parameter that has a gradient, and clears the gradients. With a `guard`, a few f64 numbers on the
  // parameters' backend, neither parameters nor states change unless all of them are finite; yet the step is counted,
  // because the program does not wait for the numbers. With a `clip` (clip.h) gradients are clipped first. Throws
  // Error(failure) if parameters or gradients differ in dtype or backend from what the constructor required, if the
  // numbers of the guard or of the clip are not as said here and there, and what the backend throws.
  void step(const Tensor& guard = {}, const GradientClip& clip = {});
  // The same after set_lr(lr), for example with the rate of a schedule. (A template, which {} does not fit: step({}) is
  // a step without a guard, and not one with the rate 0.)
  template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>>
  void step(Number lr, const Tensor& guard = {}, const GradientClip& clip = {}) {
    set_lr(static_cast<double>(lr));
    step(guard, clip);
  }
  // Clears the gradients of all parameters without updating them.
  void zero_grad();

  double lr() const;
  // Throws Error(invalid_argument) for a rate that is negative or not finite.
  void set_lr(double lr);
  // A factor on the learning rate for each parameter, in the order of the constructor; without them all are 1. Throws
  // Error(failure) if their number differs from that of the parameters, or if one is negative or not finite.
  void set_lr_factors(std::vector<double> factors);

  // The states, one for each parameter, to be saved with clone() and loaded into an optimizer of the same kind and
  // parameters. load() throws Error(failure) if their number, shapes, dtypes or backends do not fit, and for a negative
  // number of steps.
  const std::vector<State>& states() const { return states_; }
  void load(std::vector<State> states);

 protected:
  // The optimizer of that name; throws what make_optimizer() throws.
  Optimizer(const std::string& name, std::vector<Var> parameters, double lr, OptimizerParams others);

 private:
  void check(const Tensor& x, const char* what, size_t parameter) const;
  void check_numbers(const Tensor& x, const char* what) const;  // of a guard or a clip

  std::vector<Var> parameters_;
  Update update_;
  std::vector<State> states_;       // as many as parameters
  std::vector<double> lr_factors_;  // the same, or none
};

// The optimizer of that name with its defaults, which are PyTorch's, overridden by `given`. Throws what make_update()
// (registry.h) and the constructor throw.
Optimizer make_optimizer(const std::string& name, std::vector<Var> parameters, const OptimizerParams& given = {});

// -- the optimizers as classes, as PyTorch has them (Sgd is its SGD) --
// `others` are the hyper-parameters besides the learning rate: Sgd(parameters, 0.01, {{"momentum", 0.9}}). The
// constructors throw what make_optimizer() throws.

struct Sgd : Optimizer {
  explicit Sgd(std::vector<Var> parameters, double lr = 1e-3, const OptimizerParams& others = {})
      : Optimizer("sgd", std::move(parameters), lr, others) {}
};
struct Adam : Optimizer {
  explicit Adam(std::vector<Var> parameters, double lr = 1e-3, const OptimizerParams& others = {})
      : Optimizer("adam", std::move(parameters), lr, others) {}
};
struct AdamW : Optimizer {
  explicit AdamW(std::vector<Var> parameters, double lr = 1e-3, const OptimizerParams& others = {})
      : Optimizer("adamw", std::move(parameters), lr, others) {}
};

}  // namespace counterpoise
