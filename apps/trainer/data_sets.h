// The images that a run trains on, is validated with and is tested on, as the options select them. Safe to use from
// several threads once it is constructed.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "apps/trainer/options.h"
#include "data/images/image_dataset.h"
#include "data/loader.h"

namespace counterpoise {

// Of synthetic images, beyond the range of --seed, so that nobody trains with them.
constexpr uint64_t validation_seed = ~uint64_t(0), test_seed = validation_seed - 1;

// The sets that --data, --split, --groups and --folds select. Of synthetic images the validation set is the same for
// every seed, and so is the test set of shapes.
struct SelectedImages {
  std::unique_ptr<ImageDataset> training, validation, test;  // test: null if there is none
  std::string origin;                                        // of the split, in a few words
  std::string split;   // split.csv, of a split that was drawn or that --split FILE says; "" if the data is split itself
  bool drawn = false;  // whether the seed chose validation images
  // Tells these images from others by their names, labels, splits and sizes in bytes; the same after the data's folder
  // has moved. "" for synthetic images.
  std::string fingerprint;
};
SelectedImages select_images(const Options& options, const std::vector<int64_t>& synthetic_counts = {});

// Whether --data says of all its images that they are for testing.
bool has_only_test_images(const Options& options);

// Every image of --data, in whatever split it is, of these classes.
std::unique_ptr<ImageDataset> all_images(const Options& options, const std::vector<std::string>& classes);

// The DataLoader options for evaluation: all images or `samples`, in order, without augmentation.
DataLoaderOptions evaluation_loader(const Options& options, Backend& backend,
                                    const std::optional<std::vector<size_t>>& samples = {});

// The sets, and what of them a run trains on.
struct TrainingData : SelectedImages {
  // Opens the datasets, and resolves what depends on them: options.count, options.positive and the loss. Throws Error
  // where the options do not fit.
  explicit TrainingData(Options& options);

  // The DataLoader options for training.
  DataLoaderOptions training_loader(const Options& options, Backend& backend) const;

  int32_t positive = 0;                                    // of two classes the index of the positive one
  std::vector<size_t> chosen, held_out;                    // training samples, and those held out
  std::vector<int64_t> available;                          // training images of each class
  std::vector<int64_t> counts;                             // of the chosen ones
  std::vector<double> class_weights;                       // of the classes, or none
  std::string augmentation;                                // of each class, where they differ
  std::vector<size_t> search_training, search_validation;  // the two parts of `chosen` in AutoBalance's search

  const std::vector<std::string>& classes() const { return training->classes(); }
  // Reads images of each set until it has one of each class. Throws Error(bad_data) if no training image of a class, or
  // no validation or no test image at all can be read.
  void check_readable() const;
  // "Training on 1000 cat, 11000 dog; validating on 3000 (split as given); positive class: cat".
  std::string description() const;
  // What Keras' image_dataset_from_directory prints for the training and then for the validation images: "Found 2000
  // files belonging to 2 classes.", and where they were split here "Using 1600 files for training." Nothing for
  // synthetic images.
  std::vector<std::string> keras_lines() const;
};

}  // namespace counterpoise
