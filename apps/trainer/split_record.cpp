#include "apps/trainer/split_record.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/trainer/format.h"
#include "data/images/image_listing.h"

namespace counterpoise {

namespace {

// The split as a training draws it: by these options.
struct Drawn {
  uint64_t seed = 1;
  std::string shares;  // "" for the default
  int folds = 0, fold = 1;
  uint64_t fingerprint = 0;  // of split.csv
};

Drawn read_record(const std::string& weights, const std::string& record) {
  try {
    CP_ENSURE_AS(bad_data, record.size() <= 1000, "too long to be parsed");
    const auto json = nlohmann::json::parse(record);
    return {json.at("seed"), json.at("shares"), json.at("folds"), json.at("fold"), json.at("fingerprint")};
  } catch (const std::exception&) {
    throw Error(ErrorKind::bad_data, weights, ": what it says of the split of its images cannot be read");
  }
}

// Whether the data says itself which images validate; then shares cannot be given.
bool has_validation_images(const std::string& data) {
  const ImageListing listing = list_images(data);
  return std::any_of(listing.images.begin(), listing.images.end(),
                     [](const ListedImage& image) { return image.split == DataSplit::validation; });
}

}  // namespace

std::string split_record(const Options& o, const SelectedImages& images) {
  return nlohmann::json({{"seed", o.seed},
                         {"shares", images.drawn ? o.split : ""},  // not a file, which may be gone
                         {"folds", o.folds},
                         {"fold", o.fold},
                         {"fingerprint", fingerprint(images.split)}})
      .dump();
}

SelectedImages select_images_as_trained(const Options& given, const std::map<std::string, std::string>& metadata,
                                        std::string& warning) {
  warning.clear();
  const auto record = metadata.find("split");
  if (record == metadata.end() || is_synthetic(given.data)) return select_images(given);
  const Drawn drawn = read_record(given.weights, record->second);
  const auto drawn_otherwise = [&](const SelectedImages& images) {
    return images.drawn && fingerprint(images.split) != drawn.fingerprint;
  };
  Options as_drawn = given;
  as_drawn.seed = drawn.seed;
  as_drawn.split = drawn.shares;
  as_drawn.folds = drawn.folds;
  as_drawn.fold = drawn.fold;
  const bool has_validation = given.split.empty() && has_validation_images(given.data);
  if (has_validation && drawn.folds > 0) {
    // The folds are of the validation images, too, if these are the images that were trained on. Others may not even be
    // enough for so many folds.
    try {
      SelectedImages images = select_images(as_drawn);
      if (!drawn_otherwise(images)) return images;
    } catch (const Error&) {
    }
  }
  SelectedImages images = select_images(given.split.empty() && !has_validation ? as_drawn : given);
  if (drawn_otherwise(images)) {
    warning = text("The images are split in another way than for the training of ", given.weights,
                   ", because they, --split or --groups differ: some may have been trained on. --split "
                   "RUN/split.csv splits them as the training in the folder RUN did");
  }
  return images;
}

}  // namespace counterpoise
