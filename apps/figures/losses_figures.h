// The parts of losses_figures(), a function for each figure or for the figures of one file.
#pragma once

#include "apps/figures/figures.h"

namespace counterpoise {

// Pure functions, safe to call from any thread.
Figure log_odds_figure();
Figure loss_shapes_figure();
// Throws Error(failure) where a loss of the registry has no place in the tree.
Figure loss_tree_figure();
Figures metrics_figures();

// Reads the tables of losses/every_technique.md below the current folder. Throws what read_file() throws, and
// Error(failure) for a page without such tables.
Figure every_technique_figure();

}  // namespace counterpoise
