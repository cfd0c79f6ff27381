// The figures of layers/README.md that show several layers at once. Not thread-safe: they draw initial weights.
#pragma once

#include <string>

namespace counterpoise {

// Which pixels one output depends on, after one, two and more layers.
std::string receptive_field_figure();
// The sizes of the outputs, layer by layer, for three ways to draw the initial weights.
std::string initialization_figure();
// The graph of a residual block.
std::string residual_block_figure();

}  // namespace counterpoise
