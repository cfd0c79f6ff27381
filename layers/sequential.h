// Sequential: modules one behind the other, each with a name.
#pragma once

#include <memory>

#include "layers/module.h"

namespace counterpoise {

class Sequential : public Module {
 public:
  struct Entry {
    std::string name;   // part of the parameters' names: "0" in "features.0.weight"
    std::string label;  // what the summary prints: "block1_conv1"
    std::unique_ptr<Module> module;
  };

  // Appends a module and returns it: net.add<Conv2d>("0", "block1_conv1", backend, rng, 3, 64, 3, ...).
  template <class M, class... Args>
  M& add(const std::string& name, const std::string& label, Args&&... args) {
    entries_.push_back({name, label, std::make_unique<M>(std::forward<Args>(args)...)});
    return static_cast<M&>(*entries_.back().module);
  }
  const std::vector<Entry>& entries() const { return entries_; }

  Var forward(const Var& x) override {
    Var y = x;
    for (const Entry& entry : entries_) y = entry.module->forward(y);
    return y;
  }
  // forward() in two parts: x as the last layer sees it, and that layer. Also where the last entry is a Sequential.
  Var features(const Var& x) {
    Var y = x;
    for (size_t i = 0; i + 1 < entries_.size(); ++i) y = entries_[i].module->forward(y);
    auto* inner = dynamic_cast<Sequential*>(entries_.back().module.get());
    return inner ? inner->features(y) : y;
  }
  Module& head() {
    auto* inner = dynamic_cast<Sequential*>(entries_.back().module.get());
    return inner ? inner->head() : *entries_.back().module;
  }
  std::string type() const override { return "Sequential"; }
  Shape output_shape(const Shape& x) const override {
    Shape y = x;
    for (const Entry& entry : entries_) y = entry.module->output_shape(y);
    return y;
  }
  std::vector<Parameter> parameters() const override {
    std::vector<Parameter> all;
    for (const Entry& entry : entries_) {
      for (Parameter p : entry.module->parameters()) {
        p.name = entry.name + "." + p.name;
        all.push_back(std::move(p));
      }
    }
    return all;
  }
  void train(bool on) override {
    Module::train(on);
    for (const Entry& entry : entries_) entry.module->train(on);
  }

 private:
  std::vector<Entry> entries_;
};

}  // namespace counterpoise
