// The contact sheets of the `show` command: what a training with some options sees, and what a run got wrong. Each
// function reads the images that it shows; those that cannot be read are left out. Not thread-safe.
#pragma once

#include <optional>

#include "apps/report/run_data.h"
#include "apps/show/sheet.h"
#include "apps/trainer/data_sets.h"

namespace counterpoise::contact_sheet {

// The images that are shown, and how many in a row.
struct Look {
  const Options& options;
  const TrainingData& data;
  size_t columns = 8;
};

// Training images of each class as they are: a row per class, of at most 20 classes.
Sheet images_sheet(const Look& look);

// The first images of the first epoch in the sampler's order, augmented, each framed in the color of its class.
Sheet epoch_sheet(const Look& look);

// A row per image: as it is, and then the same image augmented again and again. No sheet without augmentation.
std::optional<Sheet> augmented_sheet(const Look& look);

// Pairs of training images with their mixture, and the weights of its label: one of each of the first batches. No sheet
// where images are not mixed.
std::optional<Sheet> mixed_sheet(const Look& look);

// The images with the most confident wrong predictions of a run. No sheet where none is wrong.
std::optional<Sheet> wrong_sheet(const html_report::Run& run, size_t columns);

}  // namespace counterpoise::contact_sheet
