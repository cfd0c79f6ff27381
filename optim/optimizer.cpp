#include "optim/optimizer.h"

#include <cmath>
#include <map>
#include <set>

#include "optim/saved_tensor.h"

namespace counterpoise {

Optimizer make_optimizer(const std::string& name, std::vector<Var> parameters, const OptimizerParams& given) {
  return Optimizer(std::move(parameters), make_update(name, given));
}

Optimizer::Optimizer(const std::string& name, std::vector<Var> parameters, double lr, OptimizerParams others)
    : Optimizer(make_optimizer(name, std::move(parameters), (others["lr"] = lr, others))) {}

Optimizer::Optimizer(std::vector<Var> parameters, const Update& update)
    : parameters_(std::move(parameters)), update_(update), states_(parameters_.size()) {
  std::set<const Tensor*> seen;
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Var& p = parameters_[i];
    CP_ENSURE(p.defined() && p.value().defined(), "optimizer: parameter ", i, " was never given a value");
    CP_ENSURE(p.is_leaf(), "optimizer: parameter ", i, " ", p.shape(),
              " was computed by an operation; give the leaves that it was computed from");
    CP_ENSURE(p.requires_grad(), "optimizer: parameter ", i, " ", p.shape(),
              " requires no gradient; construct it as Var(value, /*requires_grad=*/true), or leave it out");
    CP_ENSURE(seen.insert(&p.value()).second, "optimizer: parameter ", i, " ", p.shape(),
              " is given twice, and would make two steps at once");
    check(p.value(), "parameter", i);
  }
}

// A kernel that updates all parameters at once reads them, their gradients and states as numbers of one dtype.
void Optimizer::check(const Tensor& x, const char* what, size_t parameter) const {
  const Tensor& first = parameters_[0].value();
  CP_ENSURE(first.dtype() == DType::f32 || first.dtype() == DType::f64, "optimizer: parameter 0 is ",
            name(first.dtype()), "; parameters must be f32 or f64");
  CP_ENSURE(x.dtype() == first.dtype() && &x.backend() == &first.backend(), "optimizer: ", what, " ", parameter, " is ",
            name(x.dtype()), " on ", x.backend().name(), ", but parameter 0 is ", name(first.dtype()), " on ",
            first.backend().name());
}

void Optimizer::check_numbers(const Tensor& x, const char* what) const {
  const bool fits =
      x.defined() && x.dtype() == DType::f64 && (parameters_.empty() || &x.backend() == &parameters_[0].backend());
  CP_ENSURE(fits, "optimizer: ", what, " must be f64 on the parameters' backend, but is ",
            x.defined() ? detail::text(name(x.dtype()), " on ", x.backend().name()) : "undefined");
}

// -- steps --

namespace {
size_t state_count(const Update& update) {
  return std::visit([](const auto& formula) { return size_t(formula.states); }, update);
}
}  // namespace

double Optimizer::lr() const {
  return std::visit([](const auto& formula) { return formula.lr; }, update_);
}

void Optimizer::set_lr(double lr) {
  CP_ENSURE_AS(invalid_argument, 0 <= lr && std::isfinite(lr), "optimizer: a learning rate of ", lr,
               "; it must be finite and not negative");
  std::visit([lr](auto& formula) { formula.lr = lr; }, update_);
}

void Optimizer::set_lr_factors(std::vector<double> factors) {
  CP_ENSURE(factors.size() == parameters_.size(), "optimizer: ", factors.size(), " learning rate factors for ",
            parameters_.size(), " parameters");
  for (const double factor : factors) {
    CP_ENSURE(factor >= 0 && std::isfinite(factor), "optimizer: a learning rate factor of ", factor,
              "; factors are finite and not negative");
  }
  lr_factors_ = std::move(factors);
}

void Optimizer::step(const Tensor& guard, const GradientClip& clip) {
  if (guard.defined()) check_numbers(guard, "the guard");
  CP_ENSURE(clip.max_norm >= 0, "optimizer: gradients cannot be clipped to a norm of ", clip.max_norm);
  if (clip.max_norm > 0) {
    check_numbers(clip.squares, "the sum of squares that the clipping needs, which clip_by_norm() computes,");
    CP_ENSURE(clip.squares.size() == 1, "optimizer: the sum of squares for the clipping has shape ",
              clip.squares.shape(), ", not one element");
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    check(parameters_[i].value(), "parameter", i);
    check(parameters_[i].grad(), "the gradient of parameter", i);
    for (const Tensor& tensor : states_[i].tensors) check(tensor, "the state of parameter", i);
  }
  // By the number of steps, which is usually the same for all, and the factor on the learning rate.
  std::map<std::pair<int64_t, double>, std::vector<WeightTensors>> groups;
  std::vector<std::pair<size_t, uint64_t>> rounded;  // parameters whose roundings are written, too: their versions then
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Var& p = parameters_[i];
    if (!p.grad().defined()) continue;
    State& state = states_[i];
    while (state.tensors.size() < state_count(update_)) {
      state.tensors.push_back(Tensor::zeros(p.backend(), p.shape(), p.value().dtype()));
    }
    const double factor = lr_factors_.empty() ? 1 : lr_factors_[i];
    Tensor rounding = p.cached_rounding();
    groups[{++state.steps, factor}].push_back(
        {p.value(), p.grad(), {state.tensors.begin(), state.tensors.end()}, rounding});
    if (rounding.defined()) rounded.emplace_back(i, p.value().version());
  }
  for (const auto& [key, weights] : groups) {
    Update update = update_;
    std::visit(
        [t = key.first, factor = key.second](auto& formula) {
          formula.lr *= factor;
          formula.before_step(t);
        },
        update);
    parameters_[0].backend().optimizer_step(update, weights, {guard, clip.squares, clip.max_norm});
  }
  for (const auto& [i, version] : rounded) parameters_[i].mark_rounding(version);
  zero_grad();
}

void Optimizer::zero_grad() {
  for (Var& p : parameters_) p.zero_grad();
}

void Optimizer::load(std::vector<State> states) {
  CP_ENSURE(states.size() == parameters_.size(), "optimizer: ", states.size(), " states for ", parameters_.size(),
            " parameters");
  const size_t count = state_count(update_);
  for (size_t i = 0; i < states.size(); ++i) {
    const State& state = states[i];
    CP_ENSURE(state.steps >= 0, "optimizer: state ", i, " is of ", state.steps, " steps");
    CP_ENSURE(state.tensors.size() == (state.steps > 0 ? count : 0), "optimizer: state ", i, " has ",
              state.tensors.size(), " tensors after ", state.steps, " steps; this optimizer keeps ", count);
    for (const Tensor& x : state.tensors) detail::check_saved("optimizer: state", i, x, parameters_[i].value());
  }
  states_ = std::move(states);
}

}  // namespace counterpoise
