// Losses of a logit for each class, z [N, K] -> [N], and the adjusted softmax: logits that are scaled, moved or held
// back for each class before the softmax, so that rare classes get wider margins. In training only: predictions are
// made with the raw z. `counts` [K] are the training samples of each class; a class without any counts as one.
#pragma once

#include "losses/labels.h"

namespace counterpoise {

// Softmax cross-entropy log sum_k e^z_k - z_y. Targets may be soft: -sum_k t_k log p_k.
//   smoothing:  t_k = (1 - smoothing) [k = y] + smoothing / K, Szegedy et al. 2015 (arXiv:1512.00567)
//   weights:    [K] or none; inside the sum, -sum_k w_k t_k log p_k, as PyTorch's CrossEntropyLoss has it
//   samples whose label is ignore_index get 0.
Var cross_entropy(const Var& z, const Labels& y, double smoothing = 0, const std::vector<double>& weights = {},
                  int32_t ignore_index = -100);

// Label-distribution-aware margin, Cao et al. 2019 (arXiv:1906.07413): cross-entropy of scale (z - m), where m is
// max_margin (n_min / n_y)^(1/4) at the label and 0 elsewhere. z should be cosines, within [-1, 1].
Var ldam(const Var& z, const Labels& y, const std::vector<int64_t>& counts, double max_margin, double scale);

// Vector scaling, Kini et al. 2021 (arXiv:2103.01550): cross-entropy of Delta_k z_k + iota_k with
//   Delta_k = (n_k / n_max)^gamma,   iota_k = tau log(n_k / N).
// With one logit z, Delta_y and iota_y - iota_other go with the true class: softplus(-(Delta_y x + iota_y -
// iota_other)). gamma = 0 is logit adjustment, Menon et al. 2020 (arXiv:2007.07314) eq. 10, and with tau = 1 the
// balanced softmax of Ren et al. 2020 (arXiv:2007.10740); tau = 0 is class-dependent temperatures, Ye et al. 2020
// (arXiv:2001.01385).
Var vector_scaling(const Var& z, const Labels& y, const std::vector<int64_t>& counts, double gamma, double tau);

// Hinge: max(0, margin - x) with x = z or -z, Cortes and Vapnik 1995. Multi-class: the sum over the other classes of
// max(0, margin - z_y + z_j), divided by K, as PyTorch's MultiMarginLoss has it (Weston and Watkins 1999).
Var hinge(const Var& z, const Labels& y, double margin);

}  // namespace counterpoise
