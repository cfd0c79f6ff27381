// A summary of a network as Keras prints it: each layer with its output shape and its number of parameters.
#pragma once

#include "layers/module.h"

namespace counterpoise {

// One row per layer (a module without children) in the order of the calls in forward(), found by trace(), for an input
// of shape `input`, whose first axis is printed as None. A row shows the module's label, or the path of its names. A
// module that has both children and parameters of its own gets a row for the latter. The totals follow, and those of
// the children with parameters ("features", "classifier"). If `trained` is given, it is the part of the module that
// training changes, and only its parameters count as trainable. Throws what forward() throws. Not thread-safe, like
// trace().
std::string summary(Module& module, const std::string& name, const Shape& input, const Module* trained = nullptr);

// 14714688 as "14,714,688".
std::string with_commas(Index n);

}  // namespace counterpoise
