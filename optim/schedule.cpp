#include "optim/schedule.h"

#include <algorithm>
#include <cmath>

#include "kernels/error.h"

namespace counterpoise {

double Schedule::at(double epoch, double epochs, double steps_per_epoch) const {
  CP_ENSURE_AS(invalid_argument, step_every > 0, "schedule: a step every ", step_every,
               " epochs is impossible; it must be a positive number");
  if (epoch < warmup) return lr * std::min((epoch + 1 / steps_per_epoch) / warmup, 1.0);
  if (kind == step) return lr * std::pow(step_gamma, std::floor(epoch / step_every));
  if (kind == multistep) {
    const auto passed = [&](double milestone) { return milestone <= epoch; };
    const auto drops = std::count_if(milestones.begin(), milestones.end(), passed);
    return lr * std::pow(step_gamma, static_cast<double>(drops));
  }
  if (kind == cosine) {
    const double t = epochs > warmup ? (epoch - warmup) / (epochs - warmup) : 0;
    return lr * (1 + std::cos(3.141592653589793 * std::min(t, 1.0))) / 2;
  }
  return lr;
}

Schedule::Kind parse_schedule(const std::string& name) {
  if (name == "constant") return Schedule::constant;
  if (name == "step") return Schedule::step;
  if (name == "multistep") return Schedule::multistep;
  if (name == "cosine") return Schedule::cosine;
  throw Error(ErrorKind::invalid_argument, "unknown schedule \"", name,
              "\"; valid are constant, step, multistep, cosine");
}

}  // namespace counterpoise
