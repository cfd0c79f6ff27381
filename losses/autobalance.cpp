#include "losses/autobalance.h"

#include <cmath>

#include "kernels/formulas.h"
#include "losses/multiclass.h"

namespace counterpoise {

Var autobalance(const Var& z, const Labels& y, const Var& delta, const Var& l) {
  const Index K = z.shape().rank() == 1 ? 2 : z.shape()[1];
  for (const Var* of_classes : {&delta, &l}) {
    CP_ENSURE(of_classes->shape() == Shape{K}, "autobalance: ", of_classes == &l ? "l" : "delta", " is ",
              of_classes->shape(), " for ", K, " classes");
  }
  const Var s = sigmoid(delta);
  if (z.shape().rank() == 2) return cross_entropy(z * s + l, y);
  const std::vector<double> hot = one_hot_values(K, y);
  std::vector<double> signs;  // 1 at the true class, -1 at the other
  for (const double h : hot) signs.push_back(2 * h - 1);
  const Shape rows = {y.size(), K};
  const Var of_true = row_sum(Var(tensor_like(z, rows, hot)) * s);
  const Var difference = row_sum(Var(tensor_like(z, rows, signs)) * l);
  return softplus(-(true_logit(z, y) * of_true + difference));
}

Var autobalance(const Var& z, const Labels& y, const LossContext& c) {
  const Index K = z.shape().rank() == 1 ? 2 : z.shape()[1];
  LossState initial;
  const auto learned = [&](const char* name) -> Var {
    const auto variable = c.variables.find(name);
    if (variable != c.variables.end()) return variable->second;
    auto numbers = c.state.find(name);
    if (numbers == c.state.end()) {
      if (initial.empty()) initial = initial_autobalance(c.counts, c["tau"]);
      numbers = initial.find(name);
    }
    CP_ENSURE_AS(bad_data, static_cast<Index>(numbers->second.size()) == K, "autobalance: its state has ",
                 numbers->second.size(), " numbers ", name, " for ", K, " classes");
    return tensor_like(z, {K}, numbers->second);
  };
  return autobalance(z, y, learned("delta"), learned("l"));
}

LossState initial_autobalance(const std::vector<int64_t>& counts, double tau) {
  const size_t K = counts.size();  // (0 and not -0 where tau is 0.)
  return {{"delta", std::vector<double>(K, 1)},
          {"l", tau == 0 ? std::vector<double>(K) : logit_scaling(counts, 0, tau).shift}};
}

LogitScaling autobalance_scaling(const LossContext& c) {
  const LossState numbers = c.state.empty() ? initial_autobalance(c.counts, c["tau"]) : c.state;
  LogitScaling y{numbers.at("delta"), numbers.at("l")};
  for (double& delta : y.scale) delta = formula::Sigmoid::f(delta, 0., 0.);
  return y;
}

}  // namespace counterpoise
