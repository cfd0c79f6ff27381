// What weights say of a split that was drawn: `eval` draws it again, so that it judges no image that was trained on. Of
// a split that a file said they say enough to notice another one. Safe to call from several threads.
#pragma once

#include <map>
#include <string>

#include "apps/trainer/data_sets.h"

namespace counterpoise {

// How the training images were told from the others, as JSON for the metadata of the weights, under the key "split".
// REQUIRES: that images.split is not empty.
std::string split_record(const Options& options, const SelectedImages& images);

// The images of --data for weights with this metadata: split as for the training where nothing else is given. If that
// is another split now (the images differ, or --split or --groups), `warning` says so; else it is empty. Data that says
// itself which images validate is divided into the training's folds if its images are those of the training; else its
// validation images are what it says, without a warning. Throws what select_images() throws, and Error(bad_data) for a
// record that cannot be read.
SelectedImages select_images_as_trained(const Options& options, const std::map<std::string, std::string>& metadata,
                                        std::string& warning);

}  // namespace counterpoise
