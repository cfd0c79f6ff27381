// Techniques for a trained network: a re-trained classifier on its features, and the temperature, prior correction and
// threshold of its logits. What must be fitted is fitted on images that the result is not reported on: the validation
// images where there are test images, else training images that were held out. A model is used by one thread at a time.
#pragma once

#include "apps/trainer/data_sets.h"
#include "apps/trainer/decision.h"
#include "apps/trainer/evaluate.h"
#include "layers/models/models.h"

namespace counterpoise {

// Whether the options select any of the techniques.
bool wants_post_training(const Options& options);

// The input of the head without gradients, of a body in evaluation mode. The model is in training mode afterwards.
Var frozen_features(Model& model, const Tensor& x);

// Classifier re-training, Kang et al. 2020 (arXiv:1910.09217) section 4.1: the last layer is initialized again and
// learns from class-balanced batches of `data.chosen`, for options.crt_epochs, while the other layers are frozen, in
// evaluation mode. The loss is (binary) cross-entropy. Returns the mean loss of the last epoch; ends early at a stop
// signal. Throws Error(diverged).
double retrain_classifier(Model& model, const TrainingData& data, const Options& options, Backend& backend);

// Sets the temperature, shift and cut of the decision as the options select them. `on` is an evaluation, with the plain
// decision, of images that were not trained on, and `what` says which: "held-out training". `counts` are those of the
// training images. Lines that report what was fitted are appended to `notes`. Returns whether the rule of --threshold
// chose the cut: where no threshold fulfills it, a note warns and the cut is that of untuned_threshold.
bool tune(Decision& decision, const Options& options, const std::vector<int64_t>& counts, const Evaluation& on,
          const std::string& what, std::vector<std::string>& notes);

// Post-hoc logit adjustment by the numbers of training images, with the factor tau (losses/metrics/posthoc.h).
void adjust_logits(Decision& decision, const std::vector<int64_t>& counts, double tau);

// Whether the options select something that tune() needs images for.
bool needs_tuning(const Options& options);

}  // namespace counterpoise
