// The check command: what is wrong with a data set of images, before a model is trained on it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "apps/trainer/program.h"
#include "data/images/image_check.h"

namespace counterpoise {

// A human-readable report: the number of images of each class and split, then the findings, the most serious first, at
// most `most` of each kind. Safe to call from any thread.
std::string check_text(const ImageListing& listing, const std::vector<ImageFacts>& facts, const ImageCheck& check,
                       size_t most);

// The whole report. Safe to call from any thread.
nlohmann::ordered_json check_json(const ImageListing& listing, const std::vector<ImageFacts>& facts,
                                  const ImageCheck& check);

// `check DATA`: reads all images and prints the report. Exit::ok whatever it finds; with --strict Exit::bad_data if
// check.has_errors() or there are images in a format that is not read. Throws Error for a wrong command line and for
// data that cannot be listed. To be called by the main thread.
Exit check_command(int argc, char** argv);

}  // namespace counterpoise
