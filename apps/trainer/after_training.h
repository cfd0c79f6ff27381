// Techniques for a network that is trained: a new classifier on its features, weight vectors of balanced lengths, and
// logits read otherwise. None of them sees a validation image: what must be fitted is fitted on training images
// that were held out.
#pragma once

#include "apps/trainer/data_sets.h"
#include "apps/trainer/decision.h"
#include "layers/models/models.h"

namespace counterpoise {

// Whether the options ask for any of the techniques.
bool wants_post_training(const Options& options);

// Classifier re-training, Kang et al. 2020 (arXiv:1910.09217) section 4.1: the last layer begins again and learns from
// class-balanced batches of `data.chosen`, for options.crt_epochs, while the rest stands still as in evaluation. The
// loss is (binary) cross-entropy. Returns the loss of the last epoch; ends early at a stop signal.
double retrain_classifier(Model& model, const TrainingData& data, const Options& options, Backend& backend);

// Temperature, shift and cut of the decision, as the options want them. `held_out` are logits of training images that
// were not trained on, read with the plain decision; counts are those of the training images. Lines that say what was
// found go to `notes`.
void tune(Decision& decision, const Options& options, const std::vector<int64_t>& counts,
          const std::vector<double>& held_out, const std::vector<bool>& held_out_positive,
          std::vector<std::string>& notes);

}  // namespace counterpoise
