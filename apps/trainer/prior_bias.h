// The initial biases of a network's last layer. Not thread-safe, as the network is not.
#pragma once

#include "apps/trainer/data_sets.h"
#include "layers/models/models.h"
#include "losses/loss.h"

namespace counterpoise {

// Sets the biases of the last layer such that the network, whose other weights say nothing yet, begins with the
// probabilities with which the loss sees the classes, instead of with equal ones (Lin et al. 2017, arXiv:1708.02002,
// section 4.1): for one logit the log odds of the positive class, else the logarithms of the shares, less their mean.
// Otherwise the first steps only teach it that one class is rare, and they do so with the weights: all of them become
// negative, and as the features that they multiply are never negative, the rare class's logit may stay below 0 for
// ever.
//
// A class's share is that of its images in an epoch, as the sampler draws them, times its class weight, with pos-weight
// on the positive class; alpha of focal and balanced-bce is not counted in. Where the loss scales and shifts the logits
// (Loss::scaling), these have the probabilities, so that a loss that makes up for the shares begins at 0. It changes
// nothing where the probabilities are equal, for other losses that know the numbers of the classes themselves
// (needs_counts), that are one number for a batch, or whose outputs are no logits, and for a layer without biases.
void set_prior_bias(Model& model, const TrainingData& data, const Options& options, const Loss& loss);

}  // namespace counterpoise
