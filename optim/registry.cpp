#include "optim/registry.h"

#include <limits>

#include "core/table.h"
#include "kernels/updates.h"

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

}  // namespace

Update make_update(const std::string& name, const OptimizerParams& given) {
  const OptimizerInfo& row = find_optimizer(name);
  OptimizerParams all;
  for (const OptimizerParam& p : row.params) all[p.name] = p.value;
  for (const auto& [param, value] : given) {
    CP_ENSURE_AS(invalid_argument, all.count(param), row.name, ": it has no parameter ", param, ", only ",
                 detail::join(detail::names_of(row.params)));
    all[param] = value;
  }
  for (const OptimizerParam& p : row.params) {
    const double value = all[p.name];
    const bool allowed = p.kind == OptimizerParam::flag ? value == 0 || value == 1 : p.low <= value && value < p.below;
    CP_ENSURE_AS(invalid_argument, allowed, row.name, ": ", p.name, " ", value, " is out of range: ", range_text(p));
  }
  return row.make(all);
}

}  // namespace counterpoise
