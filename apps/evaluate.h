// Running a network over the validation pictures, and reporting what it got right.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "apps/options.h"
#include "data/loader.h"
#include "losses/metrics.h"

namespace counterpoise {

// How the outputs of a network are read.
struct Decision {
  int32_t positive = 0;  // index of the positive class
  double threshold = 0;  // of a single output; MSE's is 0.5
};

// One number a sample that is positive (or 0) where the network says "positive class": the logit less the threshold of
// a network with one output; with an output for each class, the positive's less the other's.
std::vector<double> logits(const Tensor& outputs, const Decision& decision);

struct Evaluation {
  Confusion counts;
  std::vector<size_t> samples;  // those that could be read
  std::vector<double> logits;   // of the positive class, for each of them
  size_t unreadable = 0;
};

// All pictures of `set` in order. Throws Error(Exit::bad_data) if none can be read. Ends early, with what it has, when
// a stop signal comes in.
Evaluation evaluate(Module& model, const PictureSet& set, Backend& backend, const Decision& decision, int batch_size,
                    int workers);

// The confusion matrix and, below it, accuracy, precision, recall and F1: what goes to stdout.
std::string report(const Confusion& counts, const std::vector<std::string>& classes, int32_t positive);

// tp, fp, tn, fn, accuracy, precision, recall and f1: the beginning of result.json.
nlohmann::ordered_json to_json(const Confusion& counts);

// The text of a JSON file. Names of files need not be UTF-8: what is not becomes U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

// The content of predictions.csv: path, label (1: positive class), logit.
std::string predictions_csv(const PictureSet& set, const Evaluation& evaluation, int32_t positive);

// "2 of 3000 validation pictures could not be read and were left out; the first: ...", or "" if all could.
std::string unreadable_notice(const PictureSet& set, const std::string& what);

// The backend that --device asks for. Throws Error(Exit::no_device) where it is missing.
Backend& choose_backend(const std::string& device);

// The index of the class named by --positive; where it is empty that of "cat", else the last. Throws Error for a set of
// other than two classes (bad_data) and for a name that is none of them (usage).
int32_t choose_positive(const std::string& name, const std::vector<std::string>& classes);

// The validation pictures: of the folder `data`, or drawn, the same 500 and 500 for every seed.
std::unique_ptr<PictureSet> validation_pictures(const std::string& data, int image_size);

}  // namespace counterpoise
