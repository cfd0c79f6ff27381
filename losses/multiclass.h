// Losses of a logit per class, z [N, K] -> [N], and those whose logits are adjusted before the softmax: scaled or
// shifted per class, so that rare classes get wider margins. The adjustment is for training only: predictions are made
// with the raw z. `counts` [K] are the training samples of each class; a class without samples counts as one.
//
// Thread safety: these functions use no state of their own. All throw for a label that is not one of the K classes.
#pragma once

#include "losses/labels.h"
#include "losses/logit_scaling.h"

namespace counterpoise {

// Softmax cross-entropy log sum_k e^z_k - z_y; with soft targets t, -sum_k t_k log p_k.
//   smoothing     t_k = (1 - smoothing) [k = y] + smoothing / K, Szegedy et al. 2015 (arXiv:1512.00567)
//   weights       [K] or none; inside the sum, -sum_k w_k t_k log p_k, as in PyTorch's CrossEntropyLoss
//   ignore_index  samples with this label get 0
Var cross_entropy(const Var& z, const Labels& y, double smoothing = 0, const std::vector<double>& weights = {},
                  int32_t ignore_index = -100);

// Label-distribution-aware margin loss, Cao et al. 2019 (arXiv:1906.07413): cross-entropy of scale (z - m), where m is
// max_margin (n_min / n_y)^(1/4) at the label and 0 elsewhere. z should be cosines, within [-1, 1].
Var ldam(const Var& z, const Labels& y, const std::vector<int64_t>& counts, double max_margin, double scale);

// Vector scaling loss, Kini et al. 2021 (arXiv:2103.01550): cross-entropy of Delta_k z_k + iota_k with
//   Delta_k = (n_k / n_max)^gamma,   iota_k = tau log(n_k / N)
// With one logit, z [N], Delta_y and iota_y - iota_other go with the true class, whose logit is x:
//   softplus(-(Delta_y x + iota_y - iota_other))
// gamma = 0 is logit adjustment, Menon et al. 2020 (arXiv:2007.07314) eq. 10, and with tau = 1 the balanced softmax of
// Ren et al. 2020 (arXiv:2007.10740); tau = 0 is class-dependent temperatures, Ye et al. 2020 (arXiv:2001.01385).
Var vector_scaling(const Var& z, const Labels& y, const std::vector<int64_t>& counts, double gamma, double tau);
// The same with any scales and shifts: Delta and iota.
Var vector_scaling(const Var& z, const Labels& y, const LogitScaling& scaling);

// Hinge loss. One logit, z [N]: max(0, margin - x) with x the logit of the true class (Cortes and Vapnik 1995). A logit
// per class: the sum over the other classes of max(0, margin - z_y + z_j), divided by K, as in PyTorch's
// MultiMarginLoss (Weston and Watkins 1999).
Var hinge(const Var& z, const Labels& y, double margin);

}  // namespace counterpoise
