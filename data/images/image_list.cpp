#include "data/images/image_list.h"

#include <utility>

#include "kernels/error.h"

namespace counterpoise {

ImageList::ImageList(LabeledFiles files, int image_size, Resize resize)
    : ImageDataset(std::move(files.classes), image_size), resize_(resize) {
  samples_ = std::move(files.samples);
  for (const Sample& sample : samples_) {
    CP_ENSURE_AS(bad_data, sample.label >= 0 && static_cast<size_t>(sample.label) < classes().size(), sample.path,
                 ": its label is ", sample.label, ", but there are ", classes().size(), " classes");
  }
}

std::vector<uint8_t> ImageList::read(const Sample& sample, size_t) const {
  Image image = decode_image(sample.path);
  if (image.height != image_size() || image.width != image_size()) {
    image = resize(image, image_size(), image_size(), resize_);
  }
  return std::move(image.rgb);
}

}  // namespace counterpoise
