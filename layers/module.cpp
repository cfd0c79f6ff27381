#include "layers/module.h"

#include <cxxabi.h>

#include <cstdlib>
#include <typeinfo>

namespace counterpoise {

namespace {
// Where this thread's calls are recorded; null if they are not.
thread_local std::vector<Module::Call>* recorded = nullptr;
}  // namespace

Var Module::operator()(const Var& x) { return traced(forward(x)); }

Var Module::traced(Var y) const {
  traced(y.shape());
  return y;
}

void Module::traced(const Shape& output) const {
  if (recorded) recorded->push_back({this, output});
}

std::string Module::type() const {
  const char* mangled = typeid(*this).name();
  const std::unique_ptr<char, decltype(&std::free)> full(abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr),
                                                         &std::free);
  const std::string name = full ? full.get() : mangled;
  const size_t colons = name.rfind("::");
  return colons == std::string::npos ? name : name.substr(colons + 2);
}

void Module::check_name(const std::string& name) const {
  CP_ENSURE(!name.empty() && name.find('.') == std::string::npos, type(), ": \"", name,
            "\" cannot name a parameter or child: it must not be empty or hold a dot");
  bool known = false;
  for (const Parameter& p : own_) known |= p.name == name;
  for (const Child& c : children_) known |= c.name == name;
  CP_ENSURE(!known, type(), ": \"", name, "\" is added twice");
}

const Var& Module::add(const std::string& name, Tensor value, FileLayout layout, bool trainable) {
  check_name(name);
  CP_ENSURE(value.defined(), type(), ": the parameter \"", name, "\" was never given a value");
  const Shape& s = value.shape();
  CP_ENSURE(layout.kind != FileLayout::conv || s.rank() == 4, type(), ": \"", name, "\" ", s,
            " has the file layout of a convolution's weight, which is [K, R, S, C]");
  if (layout.kind == FileLayout::flattened) {
    const Shape image{layout.height, layout.width, layout.channels};
    CP_ENSURE(s.rank() == 2 && s[1] == image.size(), type(), ": \"", name, "\" ", s,
              " has the file layout of a dense weight after a flattened image ", image, ", which is [K, ", image.size(),
              "]");
  }
  own_.push_back({name, Var(std::move(value), trainable), layout, trainable});
  return own_.back().var;
}

Module& Module::add(const std::string& name, std::unique_ptr<Module> module, const std::string& label) {
  check_name(name);
  CP_ENSURE(module, type(), ": the child \"", name, "\" is null");
  children_.push_back({name, label, std::move(module)});
  return *children_.back().module;
}

void Module::collect(const std::string& prefix, std::vector<Parameter>& all) const {
  for (const Parameter& p : own_) all.push_back({prefix + p.name, p.var, p.layout, p.trainable});
  for (const Child& c : children_) c.module->collect(prefix + c.name + ".", all);
}

std::vector<Parameter> Module::parameters() const {
  std::vector<Parameter> all;
  collect("", all);
  return all;
}

std::vector<Var> Module::trainable() const {
  std::vector<Var> vars;
  for (const Parameter& p : parameters()) {
    if (p.trainable) vars.push_back(p.var);
  }
  return vars;
}

Index Module::parameter_count(bool trainable_only) const {
  Index count = 0;
  for (const Parameter& p : parameters()) count += p.trainable || !trainable_only ? p.var.value().size() : 0;
  return count;
}

std::vector<Module*> Module::all_modules() {
  std::vector<Module*> all = {this};
  for (const Child& c : children_) {
    const std::vector<Module*> inside = c.module->all_modules();
    all.insert(all.end(), inside.begin(), inside.end());
  }
  return all;
}

void Module::train(bool on) {
  for (Module* module : all_modules()) module->training_ = on;
}

std::vector<uint64_t*> Module::all_random_calls() {
  std::vector<uint64_t*> all;
  for (Module* module : all_modules()) {
    if (uint64_t* calls = module->random_calls()) all.push_back(calls);
  }
  return all;
}

void Module::cast(DType dtype) {
  for (Parameter& p : parameters()) {
    if (p.var.value().dtype() == dtype) continue;
    p.var.value() = p.var.value().cast(dtype);
    p.var.zero_grad();  // a gradient has the value's dtype
  }
}

void Module::to(Backend& backend) {
  for (Parameter& p : parameters()) p.var.set_value(p.var.value().to(backend));
}

void Module::zero_grad() {
  for (Parameter& p : parameters()) p.var.zero_grad();
}

std::vector<Module::Call> Module::trace(const Shape& input) {
  CP_ENSURE(input.rank() >= 1, type(), ": an input of shape ", input, " has no batch axis");
  Shape nothing = input;
  nothing.set(0, 0);
  const std::vector<Parameter> all = parameters();
  Backend& backend = all.empty() ? cpu_backend() : all.front().var.backend();
  const DType dtype = all.empty() ? DType::f32 : all.front().var.value().dtype();

  // Restores the modes and an outer trace, even if forward() throws.
  struct Restore {
    std::vector<std::pair<Module*, bool>> modes;
    std::vector<Call>* outer = recorded;
    ~Restore() {
      for (const auto& [module, on] : modes) module->training_ = on;
      recorded = outer;
    }
  } restore;
  for (Module* module : all_modules()) restore.modes.emplace_back(module, module->training_);
  const NoGrad no_grad;
  std::vector<Call> calls;
  train(false);
  recorded = &calls;
  (*this)(Tensor::zeros(backend, nothing, dtype));
  return calls;
}

Shape Module::output_shape(const Shape& x) {
  Shape y = trace(x).back().output;
  if (y.rank() > 0) y.set(0, x[0]);
  return y;
}

}  // namespace counterpoise
