// Rebalancing a trained classifier by the lengths of its weight vectors.
#pragma once

#include "layers/module.h"

namespace counterpoise {

// tau-normalization, Kang et al. 2020 (arXiv:1910.09217) section 4.3: each row w_k of the last layer's weight [K, C]
// becomes w_k / ||w_k||^tau, and its bias 0. Classes with many samples grow long rows; tau = 0 leaves them (but for the
// bias), tau = 1 makes all of one length. Throws for a layer of fewer than two outputs, where there is nothing to
// balance.
void tau_normalize(Module& last, double tau);

}  // namespace counterpoise
