// Plots of the losses.
#pragma once

#include <string>
#include <vector>

namespace counterpoise {

// Creates `folder` and writes into it: index.html, which shows all of the following and needs no network;
// focal-paper.svg and focal-integers.svg, (1 - p_t)^gamma -log p_t; class-weights.svg, the schemes against the ratio of
// counts; and for every row of the registry NAME.svg, its value and gradient against the logit. Files of these names
// are replaced. Returns the names. Throws Error if one cannot be written. Threads must not
// write to the same folder.
std::vector<std::string> write_loss_plots(const std::string& folder);

}  // namespace counterpoise
