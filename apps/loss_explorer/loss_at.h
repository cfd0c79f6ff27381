// The loss of one sample as a function of its logit. A Loss is used by one thread at a time.
#pragma once

#include "losses/loss.h"

namespace counterpoise {

struct LossAt {
  double value, gradient;
};
// The loss of a batch of one sample, positive (class 1) or negative (class 0), and its derivative by z, the logit of
// the positive class; in the form with a logit per class the other logit is 0. In double precision.
LossAt loss_at(Loss& loss, double z, bool positive);

}  // namespace counterpoise
