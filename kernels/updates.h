// The optimizers' updates, written once for every backend.
//
// An update changes one weight w by its gradient g and the numbers that the optimizer keeps for that weight, its state:
// zeros at first, `states` of them. before_step(t) is called before step t = 1, 2, ... of the weights that the update
// is then applied to. Everything here is plain data and pure functions, safe to call from any thread.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <variant>

#include "kernels/host_device.h"
#include "kernels/view.h"

namespace counterpoise {

// clang-format off

namespace formula {

// Stochastic gradient descent with momentum as PyTorch does it (Sutskever et al. 2013, with the learning rate outside
// the velocity v):  g += decay w;  v = momentum v + g;  w -= lr (nesterov ? g + momentum v : v).
struct Sgd {
  static constexpr int states = 1;
  double lr, momentum = 0, weight_decay = 0;
  bool nesterov = false;
  void before_step(int64_t) {}
  template <class T> CP_HD void operator()(T& w, T g, T& v) const {
    g += T(weight_decay) * w;
    v = T(momentum) * v + g;
    w -= T(lr) * (nesterov ? g + T(momentum) * v : v);
  }
};

// Adam, Kingma and Ba 2015 (arXiv:1412.6980) algorithm 1; with `decoupled` AdamW, Loshchilov and Hutter 2019
// (arXiv:1711.05101) algorithm 2, but with the weight decay multiplied by the learning rate, as in PyTorch.
struct Adam {
  static constexpr int states = 2;
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;
  double correction1 = 1, correction2 = 1;  // of the moments' bias at step t: 1 - beta1^t and 1 - beta2^t
  void before_step(int64_t t) {
    correction1 = 1 - std::pow(beta1, static_cast<double>(t));
    correction2 = 1 - std::pow(beta2, static_cast<double>(t));
  }
  template <class T> CP_HD void operator()(T& w, T g, T& m, T& v) const {
    if (decoupled) w -= T(lr * weight_decay) * w;
    else g += T(weight_decay) * w;
    m = T(beta1) * m + T(1 - beta1) * g;
    v = T(beta2) * v + T(1 - beta2) * g * g;
    w -= T(lr / correction1) * m / (std::sqrt(v) / T(std::sqrt(correction2)) + T(eps));
  }
};

// An exponential moving average w of numbers g (Polyak and Juditsky 1992): w = (1 - lr) w + lr g.
struct Average {
  static constexpr int states = 0;
  double lr;
  void before_step(int64_t) {}
  template <class T> CP_HD void operator()(T& w, T g) const { w = T(1 - lr) * w + T(lr) * g; }
};

}  // namespace formula

// An update in the Backend interface. A new one is a struct above and its name here; a row in optim/registry.cpp then
// makes an optimizer of it.
using AnyUpdate = std::variant<formula::Sgd, formula::Adam, formula::Average>;
struct Update : AnyUpdate {
  using AnyUpdate::AnyUpdate;
};

template <class Fn>
void with_formula(const Update& update, const Fn& fn) { std::visit(fn, static_cast<const AnyUpdate&>(update)); }

// The update of weight i, whose gradient is g and whose state is s[0][i], s[1][i], ... All is read before the first is
// written: since they might be in the same place, a compiler would let each read wait for the write before it. Returns
// the weight.
template <class Formula, class T, size_t... k>
CP_HD T update_weight(const Formula& formula, T* w, T g, [[maybe_unused]] T* const* s, Index i,
                      std::index_sequence<k...>) {
  T weight = w[i];
  [[maybe_unused]] T state[] = {s[k][i]..., T(0)};
  formula(weight, g, state[k]...);
  w[i] = weight;
  ((s[k][i] = state[k]), ...);
  return weight;
}
template <class Formula, class T>
CP_HD T update_weight(const Formula& formula, T* w, T g, T* const* s, Index i) {
  return update_weight(formula, w, g, s, i, std::make_index_sequence<Formula::states>());
}

// Clipping gradients by their norm (Pascanu et al. 2013, arXiv:1211.5063 algorithm 1): all are multiplied by this, where
// `squares` is the sum of their squares. The 1e-6 is PyTorch's, in clip_grad_norm_(), and so is NaN for squares that are
// NaN.
CP_HD inline double clip_factor(double squares, double max_norm) {
  const double factor = max_norm / (std::sqrt(squares) + 1e-6);
  return factor >= 1 ? 1 : factor;
}

// Whether none of n numbers is NaN or infinite: for those, x - x is NaN.
CP_HD inline bool all_finite(const double* x, Index n) {
  for (Index i = 0; i < n; ++i) {
    if (!(x[i] - x[i] == 0)) return false;
  }
  return true;
}

// clang-format on

}  // namespace counterpoise
