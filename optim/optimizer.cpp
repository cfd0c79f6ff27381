#include "optim/optimizer.h"

#include <cmath>

namespace counterpoise {

void Optimizer::step(double lr) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    update(i, parameters_[i], lr);
    parameters_[i].zero_grad();
  }
}

const Tensor& Optimizer::state(std::vector<Tensor>& states, size_t index, const Var& parameter) {
  if (states.size() <= index) states.resize(index + 1);
  if (!states[index].defined()) {
    states[index] = Tensor::zeros(parameter.backend(), parameter.shape(), parameter.value().dtype());
  }
  return states[index];
}

Sgd::Sgd(std::vector<Var> parameters, double momentum, double weight_decay, bool nesterov)
    : Optimizer(std::move(parameters)), step_{0, momentum, weight_decay, nesterov} {
  ENSURE_OR(Exit::usage, 0 <= momentum && momentum < 1, "sgd: momentum ", momentum, " is not in [0, 1)");
  ENSURE_OR(Exit::usage, weight_decay >= 0, "sgd: weight decay ", weight_decay, " is negative");
  ENSURE_OR(Exit::usage, !nesterov || momentum > 0, "sgd: Nesterov's variant needs a momentum above 0");
}

void Sgd::update(size_t index, const Var& p, double lr) {
  step_.lr = lr;
  p.backend().sgd_step(step_, p.value(), p.grad(), state(velocity_, index, p));
}

Adam::Adam(std::vector<Var> parameters, double weight_decay, bool decoupled, double beta1, double beta2, double eps)
    : Optimizer(std::move(parameters)), step_{0, beta1, beta2, eps, weight_decay, decoupled, 1, 1} {
  ENSURE_OR(Exit::usage, 0 <= beta1 && beta1 < 1 && 0 <= beta2 && beta2 < 1, "adam: beta1 ", beta1, " or beta2 ", beta2,
            " is not in [0, 1)");
  ENSURE_OR(Exit::usage, weight_decay >= 0, "adam: weight decay ", weight_decay, " is negative");
}

void Adam::update(size_t index, const Var& p, double lr) {
  step_.lr = lr;
  if (steps_.size() <= index) steps_.resize(index + 1);
  const double t = static_cast<double>(++steps_[index]);
  step_.correction1 = 1 - std::pow(step_.beta1, t);
  step_.correction2 = 1 - std::pow(step_.beta2, t);
  p.backend().adam_step(step_, p.value(), p.grad(), state(m_, index, p), state(v_, index, p));
}

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, std::vector<Var> parameters, double momentum,
                                          bool nesterov, double weight_decay) {
  if (name == "sgd") return std::make_unique<Sgd>(std::move(parameters), momentum, weight_decay, nesterov);
  if (name == "adam") return std::make_unique<Adam>(std::move(parameters), weight_decay, false);
  if (name == "adamw") return std::make_unique<Adam>(std::move(parameters), weight_decay, true);
  throw Error(text("unknown optimizer \"", name, "\"; valid are sgd, adam, adamw"), Exit::usage);
}

}  // namespace counterpoise
