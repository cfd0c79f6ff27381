// Evaluates a network on images, and reports the confusion matrix and metrics. A model and a loader are used by one
// thread at a time; the other functions are safe to call from several.
#pragma once

#include "apps/trainer/decision.h"
#include "apps/trainer/metrics_command.h"
#include "data/images/image_dataset.h"
#include "data/loader.h"
#include "layers/module.h"
#include "losses/metrics/confusion.h"

namespace counterpoise {

struct Evaluation {
  Confusion counts;
  std::vector<size_t> samples;  // those that could be read
  std::vector<double> logits;   // of the positive class, for each of them
  size_t unreadable = 0;
};

// Runs the model over the samples of the loader, whose sampler should be "" (in order). Throws Error(bad_data) if none
// can be read, and Error(diverged) if an output is not finite. Ends early, with the results so far, after a stop
// signal. The model keeps its mode, training or evaluation.
Evaluation evaluate(Module& model, DataLoader& loader, const Decision& decision);

// Which of the evaluated samples are of the positive class.
std::vector<bool> is_positive(const Dataset& set, const Evaluation& evaluation, int32_t positive);

// The confusion matrix and, below it, accuracy, precision, recall and F1: what goes to stdout.
std::string report(const Confusion& counts, const std::vector<std::string>& classes, int32_t positive);

// The evaluation as scores, from which metrics are computed.
Scores scores(const Dataset& set, const Evaluation& evaluation, const Decision& decision);

// The content of predictions.csv: path, label (1: positive class), logit.
std::string predictions_csv(const ImageDataset& set, const Evaluation& evaluation, int32_t positive);

// "2 of 3000 validation images could not be read and were left out; the first: ...", or "" if all could.
std::string unreadable_notice(const Dataset& set, const std::string& what);

}  // namespace counterpoise
