#include "optim/optimizer.h"

#include <cmath>
#include <limits>
#include <set>

#include "core/table.h"
#include "optim/saved_tensor.h"

namespace counterpoise {

namespace {

// clang-format off

constexpr double no_limit = std::numeric_limits<double>::infinity();

// Hyper-parameters that several rows share. Name, default, lowest, below which, help.
OptimizerParam lr(double value = 1e-3) { return {"lr", value, 0, no_limit, "learning rate"}; }
OptimizerParam weight_decay(double value) { return {"weight-decay", value, 0, no_limit, "weight decay"}; }
OptimizerParam beta1() { return {"beta1", 0.9, 0, 1, "decay rate of the first moment: the mean of the gradients"}; }
OptimizerParam beta2() { return {"beta2", 0.999, 0, 1, "decay rate of the second moment: the mean of their squares"}; }
OptimizerParam eps() { return {"eps", 1e-8, 0, no_limit, "added to the denominator: the root of the second moment"}; }

// clang-format on

formula::Adam adam(const OptimizerParams& p, bool decoupled) {
  return {p.at("lr"), p.at("beta1"), p.at("beta2"), p.at("eps"), p.at("weight-decay"), decoupled};
}

}  // namespace

const std::vector<OptimizerInfo>& optimizers() {
  // clang-format off
  using P = const OptimizerParams&;
  static const std::vector<OptimizerInfo> rows = {
      // name, help, source, hyper-parameters, formula
      {"sgd", "stochastic gradient descent with momentum", "Sutskever et al. 2013",
       {lr(), {"momentum", 0, 0, 1, "fraction of the velocity that is kept"}, weight_decay(0),
        {"nesterov", 0, 0, 2, "Nesterov's momentum", OptimizerParam::flag}},
       [](P p) -> Update {
         CP_ENSURE_AS(invalid_argument, p.at("nesterov") == 0 || p.at("momentum") > 0,
                      "sgd: Nesterov's momentum needs a momentum above 0");
         return formula::Sgd{p.at("lr"), p.at("momentum"), p.at("weight-decay"), p.at("nesterov") != 0};
       }},
      {"adam", "adaptive moment estimation", "Kingma and Ba 2015, arXiv:1412.6980",
       {lr(), beta1(), beta2(), eps(), weight_decay(0)},
       [](P p) -> Update { return adam(p, false); }},
      {"adamw", "adam with decoupled weight decay", "Loshchilov and Hutter 2019, arXiv:1711.05101",
       {lr(), beta1(), beta2(), eps(), weight_decay(0.01)},
       [](P p) -> Update { return adam(p, true); }},
  };
  // clang-format on
  return rows;
}

std::vector<std::string> optimizer_names() { return detail::names_of(optimizers()); }

const OptimizerInfo& find_optimizer(const std::string& name) { return detail::row_of(optimizers(), "optimizer", name); }

namespace {

std::string range_text(const OptimizerParam& p) {
  if (p.kind == OptimizerParam::flag) return "0 or 1";
  return detail::text("at least ", p.low, p.below < no_limit ? detail::text(" and below ", p.below) : "");
}

// The row's formula with its defaults, and `given` in place of some.
Update make_update(const OptimizerInfo& row, const OptimizerParams& given) {
  OptimizerParams all;
  for (const OptimizerParam& p : row.params) all[p.name] = p.value;
  for (const auto& [name, value] : given) {
    CP_ENSURE_AS(invalid_argument, all.count(name), row.name, ": it has no parameter ", name, ", only ",
                 detail::join(detail::names_of(row.params)));
    all[name] = value;
  }
  for (const OptimizerParam& p : row.params) {
    const double value = all[p.name];
    const bool allowed = p.kind == OptimizerParam::flag ? value == 0 || value == 1 : p.low <= value && value < p.below;
    CP_ENSURE_AS(invalid_argument, allowed, row.name, ": ", p.name, " ", value, " is out of range: ", range_text(p));
  }
  return row.make(all);
}

}  // namespace

Optimizer make_optimizer(const std::string& name, std::vector<Var> parameters, const OptimizerParams& given) {
  return Optimizer(std::move(parameters), make_update(find_optimizer(name), given));
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
  CP_ENSURE_AS(invalid_argument, 0 <= lr && lr < no_limit, "optimizer: a learning rate of ", lr,
               "; it must be finite and not negative");
  std::visit([lr](auto& formula) { formula.lr = lr; }, update_);
}

void Optimizer::set_lr_factors(std::vector<double> factors) {
  CP_ENSURE(factors.size() == parameters_.size(), "optimizer: ", factors.size(), " learning rate factors for ",
            parameters_.size(), " parameters");
  for (const double factor : factors) {
    CP_ENSURE(factor >= 0 && factor < no_limit, "optimizer: a learning rate factor of ", factor,
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
    Tensor rounding = p.kept_rounding();
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
  for (const auto& [i, version] : rounded) parameters_[i].keep_rounding(version);
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
