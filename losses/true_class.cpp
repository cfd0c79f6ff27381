#include "losses/true_class.h"

namespace counterpoise {

namespace {
Var neg_log_p(const Var& x) { return softplus(-x); }
// (1 - p_t)^gamma
Var miss(const Var& x, double gamma) { return exp(-gamma * softplus(x)); }
}  // namespace

Var focal(const Var& x, double gamma) { return gamma == 0 ? neg_log_p(x) : miss(x, gamma) * neg_log_p(x); }

Var poly1(const Var& x, double epsilon, double gamma) { return focal(x, gamma) + epsilon * miss(x, gamma + 1); }

Var generalized_cross_entropy(const Var& x, double q) {
  if (q == 0) return neg_log_p(x);
  return expm1(-q * neg_log_p(x)) * (-1 / q);
}

Var symmetric_cross_entropy(const Var& x, double alpha, double beta) {
  constexpr double A = -4;  // what the paper puts for log 0
  return alpha * neg_log_p(x) + (-A * beta) * miss(x, 1);
}

}  // namespace counterpoise
