#include "apps/figures/losses_figures.h"

namespace counterpoise {

Figures losses_figures() {
  Figures figures = {log_odds_figure(), loss_shapes_figure(), loss_tree_figure(), every_technique_figure()};
  for (Figure& figure : metrics_figures()) figures.push_back(std::move(figure));
  return figures;
}

}  // namespace counterpoise
