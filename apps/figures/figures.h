// The figures of the folders' READMEs: each folder's are drawn by the file of its name here. What they show is computed
// by the library when they are drawn.
#pragma once

#include <string>
#include <vector>

namespace counterpoise {

struct Figure {
  std::string path;     // from the root of the repository, as core/figures/chain_rule.svg
  std::string content;  // of the file
};

using Figures = std::vector<Figure>;

// Pure functions: the same bytes each time. Not thread-safe.
Figures core_figures();
Figures kernels_figures();
Figures layers_figures();
Figures losses_figures();  // reads losses/every_technique.md below the current folder
Figures optim_figures();
Figures data_figures();

}  // namespace counterpoise
