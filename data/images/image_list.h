// Image files with labels, wherever they are.
#pragma once

#include <string>
#include <vector>

#include "data/images/image.h"
#include "data/images/image_dataset.h"

namespace counterpoise {

struct LabeledFiles {
  std::vector<std::string> classes;
  std::vector<ImageDataset::Sample> samples;  // their labels are indices into `classes`
};

// The files as a dataset, in this order. Images are stretched to image_size x image_size (bilinear, antialiased or
// as Keras does it), and are read when they are needed: one that cannot be read is left out of batches and listed in
// unreadable(). Throws Error(bad_data) for a label that is not the index of a class. Safe to use from several threads.
class ImageList : public ImageDataset {
 public:
  ImageList(LabeledFiles files, int image_size, Resize resize = Resize::antialias);

 protected:
  std::vector<uint8_t> read(const Sample& sample, size_t i) const override;

 private:
  const Resize resize_;
};

}  // namespace counterpoise
