// --pretrained: a run that begins with the body of a network that was trained on other images. Not thread-safe.
#pragma once

#include <string>

#include "apps/trainer/options.h"

namespace counterpoise {

// Takes the network, the size of the images and their normalization from the metadata of o.pretrained, where the
// command line gives none. Throws Error(bad_data) for metadata that are out of range, and what SafetensorsFile throws
// for a file that cannot be read.
void describe_pretrained(Options& o);

// Throws Error(bad_data) if the weights of o.init or o.pretrained belong to another network, or cannot be read; and
// Error(invalid_argument) if those of o.init end in the logit of the other class than o.positive. Reads names and
// shapes alone.
void check_initial_weights(const Options& o);

struct LoadedWeights {
  bool with_head = false;
  std::string note;  // what was done, a sentence for the log
};

// Loads the weights of o.pretrained into the model for images of these classes. A head for other classes is left out.
// Throws Error(bad_data) for the weights of another network.
LoadedWeights load_pretrained(Model& model, const Options& o, const std::vector<std::string>& classes);

// Throws Error(invalid_argument) if a batch of `smallest` images is too small for the network's batch normalizations in
// training mode.
void check_batch(const Options& o, size_t smallest);
// The same for the batches of an epoch of so many images, of which the last may be the smallest.
void check_batches(const Options& o, size_t images);

// Factors of the learning rate for the trainable parameters: 1 in the head, --body-lr elsewhere.
std::vector<double> lr_factors(Model& model, const Options& o);

}  // namespace counterpoise
