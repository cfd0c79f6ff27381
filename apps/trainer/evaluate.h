// Running a network over the validation images, and reporting what it got right.
#pragma once

#include "apps/trainer/metrics_command.h"
#include "apps/trainer/options.h"
#include "data/feed.h"
#include "losses/metrics/confusion.h"

namespace counterpoise {

// How the outputs of a network are read: as the logit (output - origin) / temperature - shift of the positive class,
// which is called if it reaches `cut`. All but `positive` and `origin` are techniques after training.
struct Decision {
  int32_t positive = 0;    // index of the positive class
  double origin = 0;       // the output at which the network is undecided; MSE's is 0.5
  double temperature = 1;  // temperature scaling
  double shift = 0;        // prior correction
  double cut = 0;          // the moved threshold
};

// One logit a sample: of a network with one output, or with an output for each class the positive's less the other's.
std::vector<double> logits(const Tensor& outputs, const Decision& decision);

// The cut of a probability: its logit, or for outputs that are numbers (origin 0.5) what it lies above 0.5. Throws
// Error(invalid_argument) unless it is a number between 0 and 1.
double cut_of(const std::string& threshold, const Decision& decision);

struct Evaluation {
  Confusion counts;
  std::vector<size_t> samples;  // those that could be read
  std::vector<double> logits;   // of the positive class, for each of them
  size_t unreadable = 0;
};

// The images `order` of the feed's set. Throws Error(bad_data) if none can be read. Ends early, with what it
// has, when a stop signal comes in.
Evaluation evaluate(Module& model, Feed& feed, const std::vector<size_t>& order, const Decision& decision,
                    int batch_size, int workers);
// All of them.
Evaluation evaluate(Module& model, Feed& feed, const Decision& decision, int batch_size, int workers);

// Which of the evaluated samples are of the positive class.
std::vector<bool> is_positive(const ImageDataset& set, const Evaluation& evaluation, int32_t positive);

// The confusion matrix and, below it, accuracy, precision, recall and F1: what goes to stdout.
std::string report(const Confusion& counts, const std::vector<std::string>& classes, int32_t positive);

// The evaluation as scores that have metrics.
Scores scores(const ImageDataset& set, const Evaluation& evaluation, const Decision& decision);

// The content of predictions.csv: path, label (1: positive class), logit.
std::string predictions_csv(const ImageDataset& set, const Evaluation& evaluation, int32_t positive);

// "2 of 3000 validation images could not be read and were left out; the first: ...", or "" if all could.
std::string unreadable_notice(const ImageDataset& set, const std::string& what);

// The backend that --device asks for, in the mode that --precision and --deterministic ask for. Throws
// Error(device) where it is missing or cannot do that.
Backend& choose_backend(const std::string& device, const std::string& precision, bool deterministic = false);
// The dtype of images and of all that the network makes of them. Weights, sums and losses are f32 in any case.
DType activation_dtype(const std::string& precision);

// The index of the class named by --positive; where it is empty that of "cat", else the last. Throws Error for a set of
// other than two classes (bad_data) and for a name that is none of them (usage).
int32_t choose_positive(const std::string& name, const std::vector<std::string>& classes);

// The validation images: of the folder `data`, or drawn, the same 500 and 500 for every seed.
std::unique_ptr<ImageDataset> validation_images(const std::string& data, int image_size);

}  // namespace counterpoise
