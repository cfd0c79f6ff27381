// The `eval` command: evaluates saved weights on the validation or test images.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/trainer/decision.h"
#include "apps/trainer/options.h"
#include "apps/trainer/program.h"

namespace counterpoise {

// The network of a file of weights: what the command line does not give is the file's. Throws Error(bad_data), which
// names the file, for a value that is out of range.
ModelConfig described_network(const Options& o, const std::string& path, std::map<std::string, std::string> metadata);

// What the metadata of the weights' file say and the command line does not: sets o.model, o.image_size and o.positive,
// and returns the decision, all but its `positive`. Throws Error(bad_data) for a value that is out of range.
Decision read_description(Options& o, const std::map<std::string, std::string>& metadata);

// The classes in the weights' file; none if it does not say. Throws Error(bad_data) for what are no names.
std::vector<std::string> read_classes(const std::string& path, const std::map<std::string, std::string>& metadata);

// A trained network with what its file says about its use.
struct Classifier {
  std::vector<std::string> classes;
  Decision decision;
  std::unique_ptr<Model> model;
};

// Loads o.weights and, where the command line gives none, the options that the file has: network, image size, positive
// class, decision. `of_images` are the classes of the images to be classified; empty: the file must name its classes.
// Throws Error(bad_data) for weights that do not fit.
Classifier load_classifier(Options& o, Backend& backend, const std::vector<std::string>& of_images = {});

// Prints the confusion matrix to stdout, and writes result.json and predictions.csv if there is an --output. Returns
// ok, or 128 + the signal's number if a signal stopped it. Throws Error if it fails. To be called by the main thread.
Exit eval(Options options);

}  // namespace counterpoise
