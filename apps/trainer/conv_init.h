// Initial weights of convolutions other than the layers' own. Not thread-safe, as the network is not.
#pragma once

#include <cstdint>

#include "layers/models/models.h"

namespace counterpoise {

// Draws the weights of all convolutions from Glorot's uniform distribution, Keras' default: in [-a, a), a = sqrt(6 /
// (fan_in + fan_out)), where fan_in is the area of the kernel times the input channels and fan_out the same times the
// output channels (Glorot and Bengio 2010, eq. 16). They depend on the seed alone.
void glorot_convolutions(Model& model, uint64_t seed);

}  // namespace counterpoise
