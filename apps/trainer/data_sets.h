// The images that a run trains on and is validated with, as the options select them. Safe to use from several
// threads once it is constructed.
#pragma once

#include <memory>

#include "apps/trainer/options.h"
#include "data/images/image_dataset.h"
#include "data/loader.h"

namespace counterpoise {

// The validation images: of the folder `data`, or synthetic ones, the same 500 and 500 for every seed.
std::unique_ptr<ImageDataset> validation_images(const std::string& data, int image_size);

// The DataLoader options for evaluation: all images or `samples`, in order, without augmentation.
DataLoaderOptions evaluation_loader(const Options& options, Backend& backend, const std::vector<size_t>& samples = {});

struct TrainingData {
  // Opens the datasets, and resolves options.count and options.positive. Throws Error where the options do not fit.
  explicit TrainingData(Options& options);

  // The DataLoader options for training.
  DataLoaderOptions training_loader(const Options& options, Backend& backend) const;

  std::unique_ptr<ImageDataset> training, validation;
  int32_t positive = 0;                  // the index of the positive class
  std::vector<size_t> chosen, held_out;  // training samples, and those held out
  std::vector<int64_t> counts;           // of the chosen ones in each class
  std::vector<double> class_weights;     // of the classes, or none

  const std::vector<std::string>& classes() const { return training->classes(); }

 private:
  void hold_out(double share);
};

}  // namespace counterpoise
