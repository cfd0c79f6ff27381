// Sequential: modules in sequence.
#pragma once

#include "layers/onnx.h"

namespace counterpoise {

class Sequential;

namespace detail {
// Whether a Sequential is constructed of these, and not moved from a single other Sequential. A class derived from
// Sequential is a module like any other: moved from, it would lose its forward(). (So a move constructor that such a
// class writes itself must hand on static_cast<Sequential&&>(other).)
template <class... Modules>
constexpr bool are_modules = (std::is_base_of_v<Module, Modules> && ...);
template <class M>
constexpr bool are_modules<M> = std::is_base_of_v<Module, M> && !std::is_same_v<Sequential, M>;
}  // namespace detail

// The output of each module is the input of the next; without modules, forward(x) is x. As in PyTorch the modules are
// named by their position, unless add() is given a name:
//
//   Sequential net = {Linear(8, 64), ReLU(), Linear(64, 1)};    // "0.weight", "0.bias", "2.weight", "2.bias"
//
// Braces construct the modules from left to right, so that they draw their initial weights in this order.
// Not thread-safe, like all modules.
class Sequential : public Module {
 public:
  Sequential() = default;
  template <class... Modules, class = std::enable_if_t<detail::are_modules<Modules...>>>
  Sequential(Modules... modules) {  // NOLINT: implicit on purpose
    (add(std::move(modules)), ...);
  }

  // Appends a module and returns a reference to it that stays valid. Module::add() describes name and label.
  template <class M, class = std::enable_if_t<std::is_base_of_v<Module, M>>>
  M& add(M module) {
    return Module::add(std::to_string(size()), std::move(module));
  }
  using Module::add;

  size_t size() const { return children().size(); }
  // REQUIRES: i < size().
  Module& operator[](size_t i) { return *children()[i].module; }

  Var forward(const Var& x) override {
    Var y = x;
    for (const Child& child : children()) y = (*child.module)(y);
    return y;
  }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override { return to.chain(children(), x); }
};

}  // namespace counterpoise
