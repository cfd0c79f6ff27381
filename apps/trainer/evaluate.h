// Evaluates a network on images, and reports the confusion matrix and metrics. A model and a loader are used by one
// thread at a time; the other functions are safe to call from several.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "apps/trainer/decision.h"
#include "apps/trainer/metrics_json.h"
#include "apps/trainer/views.h"
#include "data/images/image_dataset.h"
#include "data/loader.h"
#include "layers/module.h"
#include "losses/metrics/confusion.h"

namespace counterpoise {

// What a network predicts for N samples of K classes.
struct Evaluation {
  std::vector<std::string> classes;  // [K] their names
  Decision decision;                 // by which `predicted` was decided
  std::vector<size_t> samples;       // [N] those that could be read
  std::vector<int32_t> labels;       // [N] the class of each
  std::vector<double> logits;        // [N] of the positive class of two, else [N, K]
  std::vector<int32_t> predicted;    // [N] the predicted class
  size_t unreadable = 0;             // samples that could not be read
  bool complete = true;              // false if a stop signal ended it early

  bool is_binary() const { return classes.size() == 2; }
  ConfusionMatrix matrix() const;
  // Two classes: the counts of the positive one, and which samples are of it.
  Confusion counts() const;
  std::vector<bool> is_positive() const;
  // Decides again, by another cut for example. The logits stay as they are.
  void decide(const Decision& by);
};

// Runs the model over the samples of the loader, whose sampler should be "" (in order). `tick` is called after each
// batch with the number of samples so far. Throws Error(bad_data) if none can be read, and Error(diverged) if an output
// is not finite. Ends early, with the results so far, after a stop signal. The model keeps its mode, training or
// evaluation.
// With `views` their logits are averaged with those of the images as they are.
Evaluation evaluate(Module& model, DataLoader& loader, const Decision& decision,
                    const std::function<void(size_t)>& tick = {}, Views views = {});

// What goes to stdout. Two classes: the confusion matrix and, below it, accuracy, precision, recall and F1 of the
// positive one. More: precision, recall, F1 and number of samples of each class, and their averages.
std::string report(const Evaluation& evaluation);

// The metrics of an evaluation by name, to choose the best epoch by and to follow over the epochs: "f1",
// "average-precision", ...; of more than two classes precision, recall, F1 and the areas are means over the classes
// (macro). A metric that is undefined is NaN.
std::map<std::string, double> quality(const Evaluation& evaluation);
// The names of these metrics.
const std::vector<std::string>& quality_names();
// Whether a value of the metric is better than another one. NaN is better than nothing.
bool is_better(const std::string& metric, double value, double other);

// The evaluation as JSON: every metric, of the positive class of two or of all classes, the matrix, each class's
// metrics, the decision.
nlohmann::ordered_json to_json(const Evaluation& evaluation);

// The content of predictions.csv. Two classes: path, label (1: positive class), logit. More: path, label, predicted,
// and a logit for each class.
std::string predictions_csv(const ImageDataset& set, const Evaluation& evaluation);

// "2 of 3000 validation images could not be read and were left out; the first: ...", or "" if all could.
std::string unreadable_notice(const Dataset& set, const std::string& what);

}  // namespace counterpoise
