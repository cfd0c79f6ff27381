#include "apps/trainer/data_sets.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>

#include "apps/trainer/decision.h"
#include "apps/trainer/device.h"
#include "apps/trainer/flags.h"
#include "apps/trainer/program.h"
#include "apps/trainer/stop_signal.h"
#include "data/augment/pipeline.h"
#include "data/images/image_sets.h"
#include "data/images/shapes.h"
#include "data/imbalance.h"
#include "kernels/warning.h"
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

// K of "synthetic:K", the data of K generated shapes; 0 for other data.
size_t synthetic_shapes(const std::string& data) {
  const std::string prefix = "synthetic:";
  if (data.rfind(prefix, 0) != 0) return 0;
  const double kinds = parse_number("--data synthetic:", data.substr(prefix.size()));
  CP_ENSURE_AS(invalid_argument, kinds == std::floor(kinds) && 2 <= kinds && kinds <= 10, "--data ", data,
               ": there are 2 to 10 kinds of shapes");
  return static_cast<size_t>(kinds);
}

bool is_file(const std::string& split) { return split.find_first_not_of("0123456789./") != std::string::npos; }

DataLoaderOptions loader_options(const Options& o, Backend& backend) {
  DataLoaderOptions options;
  options.batch_size = o.batch_size;
  options.workers = o.workers;
  options.backend = &backend;
  options.dtype = activation_dtype(o.precision);
  return options;
}

// Takes a part of each class from `samples` and returns it: its last samples, which are as good as any, because they
// are in a random order, or in that of their names. `why` begins the message for a class that is too small.
std::vector<size_t> take_share(const ImageDataset& training, std::vector<size_t>& samples, double share,
                               const std::string& why) {
  const std::vector<std::string>& classes = training.classes();
  std::vector<std::vector<size_t>> by_class(classes.size());
  for (const size_t i : samples) by_class[training.label(i)].push_back(i);
  samples.clear();
  std::vector<size_t> taken;
  for (size_t c = 0; c < by_class.size(); ++c) {
    const size_t n = by_class[c].size(), kept = n - static_cast<size_t>(std::ceil(share * double(n)));
    CP_ENSURE_AS(bad_data, kept > 0 && kept < n, why, ": class ", classes[c], " has ", plural(n, "training image"),
                 ", too few to put some aside");
    samples.insert(samples.end(), by_class[c].begin(), by_class[c].begin() + static_cast<std::ptrdiff_t>(kept));
    taken.insert(taken.end(), by_class[c].begin() + static_cast<std::ptrdiff_t>(kept), by_class[c].end());
  }
  return taken;
}

std::string images_fingerprint(const std::string& split_csv, const ImageListing& listing) {
  uint64_t hash = fingerprint(split_csv);
  for (const ListedImage& image : listing.images) {
    std::error_code unknown;  // a size of its own
    hash = fingerprint(text(",", std::filesystem::file_size(image.path, unknown)), hash);
  }
  return formatted("%016llx", static_cast<unsigned long long>(hash));
}

// Says which image files beside those of the data set are not read: a class may have most of its images in another
// format, and would be trained as a rare one.
void warn_of_unread_images(const ImageListing& listing) {
  std::string classes;
  for (const std::string& line : unread_files(listing, /*images=*/true))
    classes += (classes.empty() ? "" : "; ") + line;
  if (classes.empty()) return;
  warn(printable(text(listing.source, ": images that are no .jpg, .jpeg, .png or .bmp are not read (",
                      shortened(classes), "); convert them, or move them away")));
}

}  // namespace

SelectedImages select_images(const Options& o, const std::vector<int64_t>& synthetic_counts) {
  SelectedImages images;
  const size_t shapes = synthetic_shapes(o.data);
  const std::vector<int64_t> counts =
      synthetic_counts.empty() ? std::vector<int64_t>(std::max<size_t>(shapes, 2), 1) : synthetic_counts;
  if (shapes || o.data.empty()) {
    const bool splits = !o.split.empty() || !o.groups.empty() || o.folds;
    CP_ENSURE_AS(invalid_argument, !splits,
                 "--split, --groups and --folds are for images of yours; synthetic ones are "
                 "generated as they are needed");
  }
  if (o.data.empty()) {
    images.training = std::make_unique<SyntheticImages>(counts, o.image_size, o.seed);
    images.validation =
        std::make_unique<SyntheticImages>(std::vector<int64_t>{500, 500}, o.image_size, validation_seed);
    images.origin = "generated";
  } else if (shapes) {
    const std::vector<int64_t> each(shapes, 100);
    images.training = std::make_unique<SyntheticShapes>(counts, o.image_size, o.seed);
    images.validation = std::make_unique<SyntheticShapes>(each, o.image_size, validation_seed);
    images.test = std::make_unique<SyntheticShapes>(each, o.image_size, test_seed);
    images.origin = "generated";
  } else {
    ImageSource source;
    source.data = o.data;
    source.image_size = o.image_size;
    source.resize = o.resize;
    if (is_file(o.split)) source.split_file = o.split;
    else if (!o.split.empty()) source.shares = with_flag("--split", [&] { return parse_shares(o.split); });
    source.groups = o.groups;
    source.folds = o.folds;
    if (o.folds) source.fold = o.fold - 1;
    source.seed = static_cast<uint64_t>(o.seed);
    ImageSets sets = open_image_sets(source);
    warn_of_unread_images(sets.listing);
    images.training = std::move(sets.training);
    images.validation = std::move(sets.validation);
    images.test = std::move(sets.test);
    images.origin = sets.origin;
    const std::string csv = split_csv(sets);
    images.fingerprint = images_fingerprint(csv, sets.listing);
    images.drawn = sets.drawn;
    if (sets.drawn || !source.split_file.empty()) images.split = csv;
  }
  return images;
}

bool has_only_test_images(const Options& o) {
  if (is_synthetic(o.data) || !o.split.empty()) return false;
  const ImageListing listing = list_images(o.data);
  return listing.count(DataSplit::test) == listing.images.size();
}

std::unique_ptr<ImageDataset> all_images(const Options& o, const std::vector<std::string>& classes) {
  CP_ENSURE_AS(invalid_argument, !o.data.empty() && synthetic_shapes(o.data) == 0,
               "--on all: is for images of yours; give their folder with --data");
  CP_ENSURE_AS(invalid_argument, o.split.empty(), "--on all: takes the images of every split; leave out --split");
  ImageListing listing = list_images(o.data);
  warn_of_unread_images(listing);
  for (ListedImage& image : listing.images) image.split = DataSplit::none;
  std::unique_ptr<ImageDataset> images = open_images(listing, DataSplit::none, classes, o.image_size, o.resize);
  CP_ENSURE_AS(bad_data, images, o.data, ": has no images");
  return images;
}

DataLoaderOptions evaluation_loader(const Options& o, Backend& backend,
                                    const std::optional<std::vector<size_t>>& samples) {
  DataLoaderOptions options = loader_options(o, backend);
  options.samples = samples;
  options.sampler = "";
  // A GPU needs for a small batch nearly the time of a large one.
  if (backend.is_remote()) {
    constexpr Index pixels = 1024 * 32 * 32;
    const Index images = std::min<Index>(pixels / (Index(o.image_size) * o.image_size), 1024);
    options.batch_size = std::max(options.batch_size, static_cast<int>(images));
  }
  return options;
}

TrainingData::TrainingData(Options& o) {
  std::vector<int64_t> wanted;
  const size_t shapes = synthetic_shapes(o.data);
  if (o.data.empty()) {
    if (o.count.empty() && o.imbalance.empty()) o.count = "cat=400,dog=4400";
    wanted = parse_counts(o.count, {"cat", "dog"}, {400, 4400});
  } else if (shapes) {
    wanted = parse_counts(
        o.count,
        std::vector<std::string>(shape_names().begin(), shape_names().begin() + static_cast<std::ptrdiff_t>(shapes)),
        std::vector<int64_t>(shapes, 200));
  }
  const bool synthetic = !wanted.empty();
  if (synthetic && !o.imbalance.empty()) {
    const std::vector<int64_t> all(wanted.size(), *std::max_element(wanted.begin(), wanted.end()));
    wanted = with_flag("--imbalance", [&] { return imbalanced_counts(o.imbalance, all); });
  }
  static_cast<SelectedImages&>(*this) = select_images(o, wanted);
  available = training->counts();
  if (!synthetic) {
    wanted.assign(classes().size(), -1);
    if (!o.count.empty()) wanted = parse_counts(o.count, classes(), wanted);
    if (!o.imbalance.empty()) {
      wanted = with_flag("--imbalance", [&] { return imbalanced_counts(o.imbalance, available); });
    }
  }
  for (const ImageDataset* other : {validation.get(), test.get()}) {
    CP_ENSURE_AS(bad_data, !other || classes() == other->classes(), o.data,
                 ": the training images have other classes than the ", other == test.get() ? "test" : "validation",
                 " images");
  }
  resolve_for_classes(o, classes().size());
  chosen = subset(*training, wanted, !o.shuffle || o.subset == "first", o.seed);
  CP_ENSURE_AS(invalid_argument, !chosen.empty(), "--count leaves no image to train on");
  counts = training->counts(chosen);
  const bool fewer = !o.count.empty() || !o.imbalance.empty();
  for (size_t c = 0; fewer && c < counts.size(); ++c) {
    CP_ENSURE_AS(invalid_argument, counts[c] > 0, o.count.empty() ? "--imbalance" : "--count", " leaves no image of ",
                 printable(classes()[c]), " to train on; at least one of each class is needed");
  }
  const auto rarest = std::min_element(counts.rbegin(), counts.rend());  // of several the last one
  positive =
      choose_positive(o.positive, classes(), o.defaults.lectures ? "cat" : classes()[counts.rend() - rarest - 1]);
  o.positive = classes().size() == 2 ? classes()[positive] : "";
  const bool tunes = o.temperature || (classes().size() == 2 && is_tuned(o));
  CP_ENSURE_AS(invalid_argument, !test || o.hold_out == 0,
               "--hold-out: there are test images, so that the threshold and "
               "the temperature are chosen on the validation images");
  const std::string rule = o.temperature ? "--temperature" : "--threshold " + o.threshold;
  if (o.hold_out > 0) held_out = take_share(*training, chosen, o.hold_out, text("--hold-out ", o.hold_out));
  else if (tunes && !test)
    held_out = take_share(*training, chosen, 0.1, rule + " is chosen on a tenth of the training images");
  if (o.loss->name == "autobalance") {
    const double share = o.loss_spec["search-share"];
    search_training = chosen;
    search_validation = take_share(*training, search_training, share,
                                   text("--loss autobalance validates its search on --search-share ", share,
                                        " of the training images of each class"));
  }
  counts = training->counts(chosen);
  with_flag("--augment", [&] { return o.augment.pipelines(classes(), counts); });
  if (o.augment.per_class()) augmentation = o.augment.description(classes(), counts);
  class_weights = with_flag("--class-weights", [&] { return parse_class_weights(o.class_weights, classes(), counts); });
}

void TrainingData::check_readable() const {
  for (const auto& [set, name] : {std::pair(training.get(), "training"), std::pair(validation.get(), "validation"),
                                  std::pair(test.get(), "test")}) {
    if (!set) continue;
    const bool trains = set == training.get();
    std::set<int32_t> found;           // the classes with an image that can be read
    std::map<int32_t, size_t> failed;  // of the others the first image
    for (const size_t i : trains ? chosen : set->all_samples()) {
      if (stop_signal()) return;
      const int32_t c = set->label(i);
      if (found.count(c)) continue;
      if (set->load(i)) found.insert(c), failed.erase(c);
      else failed.emplace(c, i);
    }
    for (const auto& [c, first] : failed) {
      CP_ENSURE_AS(bad_data, !trains && !found.empty(), "no ", name, " image ",
                   trains ? "of " + printable(classes()[c]) + " " : "",
                   "can be read; the first: ", set->unreadable().at(first));
    }
  }
}

std::string TrainingData::description() const {
  std::string all = "Training on ";
  for (size_t c = 0; c < counts.size(); ++c) all += text(c ? ", " : "", counts[c], " ", classes()[c]);
  if (!held_out.empty()) all += text(", with ", held_out.size(), " more held out");
  all +=
      text("; validating on ", validation->size(), test ? text("; testing on ", test->size()) : "", " (", origin, ")");
  if (classes().size() == 2) all += "; positive class: " + classes()[positive];
  if (!augmentation.empty()) all += "; augmentation: " + augmentation;
  return all;
}

std::vector<std::string> TrainingData::keras_lines() const {
  if (origin == "generated") return {};
  const int64_t train = std::accumulate(available.begin(), available.end(), int64_t(0));
  const auto validate = static_cast<int64_t>(validation->size());
  const auto found = [&](int64_t n) {
    return text("Found ", plural(n, "file"), " belonging to ", classes().size(), " classes.");
  };
  if (!drawn) return {found(train), found(validate)};
  const int64_t all = train + validate + (test ? static_cast<int64_t>(test->size()) : 0);
  return {found(all), text("Using ", train, " files for training."), found(all),
          text("Using ", validate, " files for validation.")};
}

DataLoaderOptions TrainingData::training_loader(const Options& o, Backend& backend) const {
  DataLoaderOptions options = loader_options(o, backend);
  options.samples = o.shuffle ? chosen : interleave(*training, chosen);
  options.sampler = o.shuffle ? o.sampler : "";
  options.seed = static_cast<uint64_t>(o.seed);
  options.epochs = static_cast<uint64_t>(o.epochs);
  options.augment = o.augment;
  options.class_counts = counts;
  options.mix = o.mix;
  return options;
}

}  // namespace counterpoise
