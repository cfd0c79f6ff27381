// The table that Keras prints of a network: each layer with the shape of its output and its number of parameters.
#pragma once

#include "layers/sequential.h"

namespace counterpoise {

// For images `input` [N, H, W, C]; the first axis is printed as None. Sequentials inside are unfolded. At the end
// the totals: of everything, and of the parts with weights ("features", "classifier").
std::string summary(const Sequential& model, const std::string& name, const Shape& input);

// 14714688 as "14,714,688".
std::string with_commas(Index n);

}  // namespace counterpoise
