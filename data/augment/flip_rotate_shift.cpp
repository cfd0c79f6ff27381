#include "data/augment/flip_rotate_shift.h"

#include <cmath>

#include "kernels/error.h"

namespace counterpoise::augment {

void FlipRotateShift::check() const {
  turns.check("a rotation in whole turns", -1, 1);
  CP_ENSURE_AS(invalid_argument, 0 <= shift && shift <= 64, "images are shifted by 0 to 64 pixels, not by ", shift);
}

void FlipRotateShift::draw(Random& rng, Plan& plan) const {
  constexpr float whole_turn = 6.283185307179586f;  // radians
  const bool flips = rng.uniform() < 0.5f && flip;
  const double angle = double{rng.uniform(float(turns.low), float(turns.high)) * whole_turn};
  const Size size = plan.size();
  Transform transform;
  if (flips) transform = horizontal_flip(size.width);
  if (angle != 0) {
    const double cosine = std::cos(angle), sine = std::sin(angle);
    const Transform rotated{{{{cosine, sine, 0}, {-sine, cosine, 0}, {0, 0, 1}}}};
    transform = around({size.width / 2.0, size.height / 2.0}, rotated) * transform;
  }
  if (shift > 0) {
    const auto places = uint64_t(2 * shift + 1);
    const double left = double(rng.below(places)) - shift;
    const double up = double(rng.below(places)) - shift;
    transform = translation(-left, -up) * transform;
  }
  plan.move(transform, size, shift > 0 ? Border::constant : Border::reflect);
}

}  // namespace counterpoise::augment
