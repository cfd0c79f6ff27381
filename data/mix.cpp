#include "data/mix.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <sstream>
#include <tuple>

#include "core/ops.h"
#include "core/text.h"
#include "kernels/error.h"

namespace counterpoise {

namespace {

const std::vector<std::pair<std::string, Mix::Kind>> kinds = {
    {"none", Mix::none}, {"mixup", Mix::mixup}, {"cutmix", Mix::cutmix}, {"remix", Mix::remix}};

// The logarithm of a Gamma(a, 1) variate: Marsaglia and Tsang 2000 for a + 1, and U^(1/a) times that is one for a. In
// logarithms, because for small a the number itself would be 0.
double log_gamma_variate(double a, Random& rng) {
  const double d = a + 1 - 1. / 3, c = 1 / std::sqrt(9 * d);
  const auto uniform = [&] { return 1 - static_cast<double>(rng.uniform()); };  // in (0, 1]
  while (true) {
    const double x = rng.normal(), root = 1 + c * x;
    if (root <= 0) continue;
    const double log_v = 3 * std::log(root);
    if (std::log(uniform()) < 0.5 * x * x + d * (1 - std::exp(log_v) + log_v)) {
      return std::log(d) + log_v + std::log(uniform()) / a;
    }
  }
}

}  // namespace

Mix parse_mix(const std::string& description) {
  const auto wrong = [&](const std::string& what) {
    return Error(ErrorKind::invalid_argument,
                 "mix \"" + description + "\": " + what +
                     "; valid are none, mixup=ALPHA, cutmix=ALPHA and remix=ALPHA,kappa=3,tau=0.5");
  };
  Mix mix;
  std::istringstream in(description);
  bool first = true;
  for (std::string item; std::getline(in, item, ','); first = false) {
    const size_t equals = std::min(item.find('='), item.size());
    const std::string name = item.substr(0, equals), number = item.substr(std::min(equals + 1, item.size()));
    if (first) {
      const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const auto& k) { return k.first == name; });
      if (kind == kinds.end()) throw wrong("\"" + name + "\" is not a kind of mixing");
      mix.kind = kind->second;
    } else if (mix.kind != Mix::remix || (name != "kappa" && name != "tau")) {
      throw wrong("\"" + item + "\" has no meaning here");
    }
    if (mix.kind == Mix::none) {
      if (equals != item.size()) throw wrong("none takes no number");
      continue;
    }
    using Bounds = std::pair<double, double>;
    const auto [low, high] = first ? Bounds(1e-6, 1e3) : name == "kappa" ? Bounds(1, 1e9) : Bounds(0, 1);
    char* end = nullptr;
    const double value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end || !(low <= value && value <= high)) {
      throw wrong(detail::text("\"", number, "\" for ", name, " is not a number from ", low, " to ", high));
    }
    (first ? mix.alpha : name == "kappa" ? mix.kappa : mix.tau) = value;
  }
  if (first) throw wrong("nothing was given");
  return mix;
}

std::string to_string(const Mix& mix) {
  if (mix.kind == Mix::none) return "none";
  std::string name;
  for (const auto& [known, kind] : kinds) {
    if (kind == mix.kind) name = known;
  }
  const Mix standard;
  std::string out = detail::text(name, "=", detail::shortest_text(mix.alpha));
  if (mix.kind == Mix::remix && mix.kappa != standard.kappa) out += ",kappa=" + detail::shortest_text(mix.kappa);
  if (mix.kind == Mix::remix && mix.tau != standard.tau) out += ",tau=" + detail::shortest_text(mix.tau);
  return out;
}

double beta_variate(double alpha, Random& rng) {
  CP_ENSURE(alpha > 0, "beta_variate: alpha is ", alpha, " but must be positive");
  const double first = log_gamma_variate(alpha, rng), second = log_gamma_variate(alpha, rng);
  return 1 / (1 + std::exp(second - first));
}

double remix_weight(const Mix& mix, double lambda, int64_t first, int64_t second) {
  const double ratio = static_cast<double>(std::max<int64_t>(first, 1)) / std::max<double>(double(second), 1);
  if (ratio >= mix.kappa && lambda < mix.tau) return 0;
  if (ratio <= 1 / mix.kappa && 1 - lambda < mix.tau) return 1;
  return lambda;
}

MixPlan plan_mix(const Mix& mix, Random& rng, size_t N, int size) {
  MixPlan plan;
  plan.partner.resize(N);
  std::iota(plan.partner.begin(), plan.partner.end(), size_t(0));
  if (mix.kind == Mix::none || N == 0) return plan;
  rng.shuffle(plan.partner);
  plan.own = beta_variate(mix.alpha, rng);
  if (mix.kind != Mix::cutmix) return plan;
  const double half = 0.5 * std::sqrt(1 - plan.own) * size;
  const auto span = [&] {
    const double center = rng.uniform(0, static_cast<float>(size));
    const auto edge = [&](double x) { return std::clamp(static_cast<int>(std::lround(x)), 0, size); };
    return std::pair(edge(center - half), edge(center + half));
  };
  plan.pastes = true;
  std::tie(plan.top, plan.bottom) = span();
  std::tie(plan.left, plan.right) = span();
  const double area = static_cast<double>(plan.bottom - plan.top) * (plan.right - plan.left);
  plan.own = 1 - area / (static_cast<double>(size) * size);
  return plan;
}

MixedLabels mix_labels(const Mix& mix, const MixPlan& plan, const std::vector<int32_t>& labels,
                       const std::vector<int64_t>& counts) {
  MixedLabels mixed = {labels, std::vector<float>(labels.size(), 1.f)};
  if (mix.kind == Mix::none) return mixed;
  for (size_t i = 0; i < labels.size(); ++i) {
    mixed.other[i] = labels[plan.partner[i]];
    const double own = mix.kind == Mix::remix
                           ? remix_weight(mix, plan.own, counts.at(labels[i]), counts.at(mixed.other[i]))
                           : plan.own;
    mixed.own_weight[i] = static_cast<float>(own);
  }
  return mixed;
}

Tensor mix_tensors(const MixPlan& plan, const Tensor& own, const Tensor& partners) {
  const NoGrad no_grad;
  Var share = Tensor::full(own.backend(), {}, plan.own, own.dtype());
  if (plan.pastes) {
    const Index size = own.shape()[1];
    std::vector<float> stays(size * size, 1.f);
    for (int row = plan.top; row < plan.bottom; ++row) {
      std::fill_n(stays.begin() + row * size + plan.left, plan.right - plan.left, 0.f);
    }
    share = Tensor::from(own.backend(), {1, size, size, 1}, stays).cast(own.dtype());
  }
  return (own * share + partners * (1 - share)).value();
}

}  // namespace counterpoise
