#include "apps/trainer/data_sets.h"

#include <cmath>

#include "apps/trainer/decision.h"
#include "apps/trainer/device.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/program.h"
#include "data/images/image_folder.h"
#include "losses/class_weights.h"

namespace counterpoise {

namespace {

int64_t whole(double n) {
  CP_ENSURE_AS(invalid_argument, n == std::floor(n), "--count: ", n, " is no whole number of images");
  CP_ENSURE_AS(invalid_argument, n <= 1e7, "--count: ", n, " images of a class are more than the ten million allowed");
  return static_cast<int64_t>(n);
}

// The number of images of each class by --count; `otherwise` for the classes that it leaves out.
std::vector<int64_t> parse_counts(const std::string& count, const std::vector<std::string>& classes,
                                  std::vector<int64_t> otherwise) {
  const auto counts = with_flag("--count", [&] { return parse_per_class(count, classes, -1); });
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] >= 0) otherwise[c] = whole(counts[c]);
  }
  return otherwise;
}

DataLoaderOptions loader_options(const Options& o, Backend& backend) {
  DataLoaderOptions options;
  options.batch_size = o.batch_size;
  options.workers = o.workers;
  options.backend = &backend;
  options.dtype = activation_dtype(o.precision);
  return options;
}

}  // namespace

std::unique_ptr<ImageDataset> validation_images(const std::string& data, int image_size) {
  constexpr uint64_t validation_seed = ~uint64_t(0);  // beyond the range of --seed, so that nobody trains with it
  if (data.empty()) {
    return std::make_unique<SyntheticImages>(std::vector<int64_t>{500, 500}, image_size, validation_seed);
  }
  return std::make_unique<ImageFolder>(split_directory(data, {"validation", "val"}), image_size);
}

DataLoaderOptions evaluation_loader(const Options& o, Backend& backend, const std::vector<size_t>& samples) {
  DataLoaderOptions options = loader_options(o, backend);
  options.samples = samples;
  options.sampler = "";
  return options;
}

TrainingData::TrainingData(Options& o) {
  std::vector<int64_t> wanted;
  if (o.data.empty()) {
    if (o.count.empty()) o.count = "cat=400,dog=4400";
    wanted = parse_counts(o.count, {"cat", "dog"}, {400, 4400});
    training = std::make_unique<SyntheticImages>(wanted, o.image_size, o.seed);
  } else {
    training = std::make_unique<ImageFolder>(split_directory(o.data, {"train"}), o.image_size);
    wanted.assign(classes().size(), -1);
    if (!o.count.empty()) wanted = parse_counts(o.count, classes(), wanted);
  }
  validation = validation_images(o.data, o.image_size);
  CP_ENSURE_AS(bad_data, classes() == validation->classes(), o.data,
               ": the training and the validation images have different classes");
  positive = choose_positive(o.positive, classes());
  o.positive = classes()[positive];
  chosen = subset(*training, wanted, !o.shuffle, o.seed);
  CP_ENSURE_AS(invalid_argument, !chosen.empty(), "--count leaves no image to train on");
  if (o.hold_out > 0) hold_out(o.hold_out);
  counts = training->counts(chosen);
  class_weights = with_flag("--class-weights", [&] { return parse_class_weights(o.class_weights, classes(), counts); });
}

// Holds out a part of each class. Its samples are in a random order, so the last ones are as good as any.
void TrainingData::hold_out(double share) {
  std::vector<std::vector<size_t>> by_class(classes().size());
  for (const size_t i : chosen) by_class[training->label(i)].push_back(i);
  chosen.clear();
  for (size_t c = 0; c < by_class.size(); ++c) {
    const size_t kept = by_class[c].size() - static_cast<size_t>(std::ceil(share * double(by_class[c].size())));
    CP_ENSURE_AS(bad_data, kept > 0 && kept < by_class[c].size(), "--hold-out ", share, ": class ", classes()[c],
                 " has ", by_class[c].size(), " training images, too few to put some aside");
    chosen.insert(chosen.end(), by_class[c].begin(), by_class[c].begin() + static_cast<std::ptrdiff_t>(kept));
    held_out.insert(held_out.end(), by_class[c].begin() + static_cast<std::ptrdiff_t>(kept), by_class[c].end());
  }
}

DataLoaderOptions TrainingData::training_loader(const Options& o, Backend& backend) const {
  DataLoaderOptions options = loader_options(o, backend);
  options.samples = o.shuffle ? chosen : interleave(*training, chosen);
  options.sampler = o.shuffle ? o.sampler : "";
  options.seed = static_cast<uint64_t>(o.seed);
  options.epochs = static_cast<uint64_t>(o.epochs);
  options.augment = o.augment;
  options.mix = o.mix;
  return options;
}

}  // namespace counterpoise
