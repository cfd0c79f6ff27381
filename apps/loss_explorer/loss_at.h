// One sample's loss as a function of its logit.
#pragma once

#include "losses/loss.h"

namespace counterpoise {

struct LossAt {
  double value, gradient;
};
// Of a batch of one sample, positive (class 1) or negative (class 0), whose logit of the positive class is z; in the
// form with a logit per class the other's is 0. In double precision.
LossAt loss_at(Loss& loss, double z, bool positive);

}  // namespace counterpoise
