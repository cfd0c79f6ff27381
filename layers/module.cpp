#include "layers/module.h"

namespace counterpoise {

const Var& Module::add(const std::string& name, Tensor value, FileLayout layout, bool trainable) {
  own_.push_back({name, Var(std::move(value), trainable), layout, trainable});
  return own_.back().var;
}

std::vector<Var> Module::trainable() const {
  std::vector<Var> vars;
  for (const Parameter& p : parameters()) {
    if (p.trainable) vars.push_back(p.var);
  }
  return vars;
}

void Module::cast(DType dtype) {
  for (const Parameter& p : parameters()) p.var.set_value(p.var.value().cast(dtype));
}

void Module::to(Backend& backend) {
  for (const Parameter& p : parameters()) p.var.set_value(p.var.value().to(backend));
}

void Module::zero_grad() {
  for (const Parameter& p : parameters()) p.var.zero_grad();
}

Index Module::parameter_count(bool trainable_only) const {
  Index count = 0;
  for (const Parameter& p : parameters()) count += p.trainable || !trainable_only ? p.var.value().size() : 0;
  return count;
}

}  // namespace counterpoise
