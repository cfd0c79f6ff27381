// Optimizers turn gradients into steps. A step is one formula (kernels/formulas.h) that runs on the weights' backend.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/var.h"

namespace counterpoise {

class Optimizer {
 public:
  explicit Optimizer(std::vector<Var> parameters) : parameters_(std::move(parameters)) {}
  virtual ~Optimizer() = default;

  // Moves every parameter that has a gradient, and clears the gradients. The parameters live on one backend.
  void step(double lr);

 protected:
  // Moves the parameters with these indices, all in one call of the backend.
  virtual void update(const std::vector<size_t>& indices, double lr) = 0;
  Var& parameter(size_t index) { return parameters_[index]; }
  // State of parameter `index`, zeros at first: velocities and moments.
  Tensor& state(std::vector<Tensor>& states, size_t index);

 private:
  std::vector<Var> parameters_;
};

// Stochastic gradient descent with momentum, PyTorch's convention: see SgdStep in kernels/formulas.h.
class Sgd : public Optimizer {
 public:
  Sgd(std::vector<Var> parameters, double momentum = 0, double weight_decay = 0, bool nesterov = false);

 protected:
  void update(const std::vector<size_t>& indices, double lr) override;

 private:
  SgdStep step_;
  std::vector<Tensor> velocity_;
};

// Adam, Kingma and Ba 2015 (arXiv:1412.6980); with `decoupled` weight decay AdamW, Loshchilov and Hutter 2019
// (arXiv:1711.05101): see AdamStep in kernels/formulas.h.
class Adam : public Optimizer {
 public:
  explicit Adam(std::vector<Var> parameters, double weight_decay = 0, bool decoupled = false, double beta1 = 0.9,
                double beta2 = 0.999, double eps = 1e-8);

 protected:
  void update(const std::vector<size_t>& indices, double lr) override;

 private:
  AdamStep step_;
  std::vector<int64_t> steps_;  // of each parameter: one without a gradient does not step
  std::vector<Tensor> m_, v_;
};

// The optimizer of that name: "sgd", "adam" or "adamw". Throws Error(invalid_argument) for others. Momentum and
// Nesterov's variant belong to sgd; adam ignores them.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name, std::vector<Var> parameters, double momentum,
                                          bool nesterov, double weight_decay);

}  // namespace counterpoise
