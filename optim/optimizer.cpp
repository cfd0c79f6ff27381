#include "optim/optimizer.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace counterpoise {

void Optimizer::step(double lr) {
  std::vector<size_t> moving;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].grad().defined()) moving.push_back(i);
  }
  if (!moving.empty()) update(moving, lr);
  for (const size_t i : moving) parameters_[i].zero_grad();
}

Tensor& Optimizer::state(std::vector<Tensor>& states, size_t index) {
  states.resize(parameters_.size());
  const Tensor& like = parameters_[index].value();
  if (!states[index].defined()) states[index] = Tensor::zeros(like.backend(), like.shape(), like.dtype());
  return states[index];
}

Sgd::Sgd(std::vector<Var> parameters, double momentum, double weight_decay, bool nesterov)
    : Optimizer(std::move(parameters)), step_{0, momentum, weight_decay, nesterov} {
  CP_ENSURE_AS(invalid_argument, 0 <= momentum && momentum < 1, "sgd: momentum ", momentum, " is not in [0, 1)");
  CP_ENSURE_AS(invalid_argument, weight_decay >= 0, "sgd: weight decay ", weight_decay, " is negative");
  CP_ENSURE_AS(invalid_argument, !nesterov || momentum > 0, "sgd: Nesterov's variant needs a momentum above 0");
}

void Sgd::update(const std::vector<size_t>& indices, double lr) {
  step_.lr = lr;
  std::vector<SgdTensors> weights;
  for (const size_t i : indices) {
    Var& p = parameter(i);
    weights.push_back({p.value(), p.grad(), state(velocity_, i)});
  }
  parameter(indices[0]).backend().sgd_step(step_, weights);
}

Adam::Adam(std::vector<Var> parameters, double weight_decay, bool decoupled, double beta1, double beta2, double eps)
    : Optimizer(std::move(parameters)), step_{0, beta1, beta2, eps, weight_decay, decoupled, 1, 1} {
  CP_ENSURE_AS(invalid_argument, 0 <= beta1 && beta1 < 1 && 0 <= beta2 && beta2 < 1, "adam: beta1 ", beta1,
               " or beta2 ", beta2, " is not in [0, 1)");
  CP_ENSURE_AS(invalid_argument, weight_decay >= 0, "adam: weight decay ", weight_decay, " is negative");
}

void Adam::update(const std::vector<size_t>& indices, double lr) {
  step_.lr = lr;
  steps_.resize(std::max(steps_.size(), indices.back() + 1));
  std::map<int64_t, std::vector<AdamTensors>> by_steps;  // usually all have made the same number
  for (const size_t i : indices) {
    Var& p = parameter(i);
    by_steps[++steps_[i]].push_back({p.value(), p.grad(), state(m_, i), state(v_, i)});
  }
  for (const auto& [t, weights] : by_steps) {
    step_.correction1 = 1 - std::pow(step_.beta1, static_cast<double>(t));
    step_.correction2 = 1 - std::pow(step_.beta2, static_cast<double>(t));
    parameter(indices[0]).backend().adam_step(step_, weights);
  }
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, std::vector<Var> parameters, double momentum,
                                          bool nesterov, double weight_decay) {
  if (name == "sgd") return std::make_unique<Sgd>(std::move(parameters), momentum, weight_decay, nesterov);
  if (name == "adam") return std::make_unique<Adam>(std::move(parameters), weight_decay, false);
  if (name == "adamw") return std::make_unique<Adam>(std::move(parameters), weight_decay, true);
  throw Error(ErrorKind::invalid_argument, "unknown optimizer \"", name, "\"; valid are sgd, adam, adamw");
}

}  // namespace counterpoise
