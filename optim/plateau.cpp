#include "optim/plateau.h"

#include <algorithm>
#include <limits>

#include "kernels/error.h"

namespace counterpoise {

Plateau::Plateau(const PlateauOptions& o) : options_(o) {
  CP_ENSURE_AS(invalid_argument, 0 < o.factor && o.factor < 1, "plateau: the factor ", o.factor,
               " must be above 0 and below 1");
  CP_ENSURE_AS(invalid_argument, o.patience >= 0, "plateau: the patience ", o.patience, " must be at least 0");
  CP_ENSURE_AS(invalid_argument, o.threshold >= 0, "plateau: the threshold ", o.threshold, " must be at least 0");
  CP_ENSURE_AS(invalid_argument, o.cooldown >= 0, "plateau: the cooldown ", o.cooldown, " must be at least 0");
  CP_ENSURE_AS(invalid_argument, 0 <= o.min_scale && o.min_scale <= 1, "plateau: the smallest scale ", o.min_scale,
               " must be in [0, 1]");
  const double infinity = std::numeric_limits<double>::infinity();
  state_ = {o.maximize ? -infinity : infinity, 1, 0, 0};
}

bool Plateau::update(double metric) {
  State& s = state_;
  const bool better = options_.maximize ? metric > s.best * (1 + options_.threshold)  //
                                        : metric < s.best * (1 - options_.threshold);
  if (better) {
    s.best = metric;
    s.bad_epochs = 0;
  } else {
    ++s.bad_epochs;
  }
  if (s.cooldown > 0) {
    --s.cooldown;
    s.bad_epochs = 0;
  }
  if (s.bad_epochs <= options_.patience) return false;
  s.cooldown = options_.cooldown;
  s.bad_epochs = 0;
  const double before = s.scale;
  s.scale = std::max(before * options_.factor, options_.min_scale);
  return s.scale < before;
}

void Plateau::load(const State& s) {
  CP_ENSURE_AS(bad_data, 0 < s.scale && s.scale <= 1, "plateau: the scale ", s.scale, " must be above 0 and at most 1");
  CP_ENSURE_AS(bad_data, s.bad_epochs >= 0 && s.cooldown >= 0, "plateau: ", s.bad_epochs,
               " epochs without improvement and ", s.cooldown, " of cooldown must be at least 0");
  state_ = s;
}

}  // namespace counterpoise
