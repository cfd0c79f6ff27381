// The table that Keras prints of a network: each layer with the shape of its output and its number of parameters.
#pragma once

#include "layers/module.h"

namespace counterpoise {

// One row per layer (a module without children) in the order of the calls in forward(), found by trace(), for an input
// of shape `input`, whose first axis is printed as None. A row shows the module's label, or the path of its names. A
// module that has both children and parameters of its own gets a row for the latter. At the end the totals, and those
// of the children with parameters ("features", "classifier"). Throws what forward() throws. Not thread-safe, as
// trace().
std::string summary(Module& module, const std::string& name, const Shape& input);

// 14714688 as "14,714,688".
std::string with_commas(Index n);

}  // namespace counterpoise
