// How images become batches on a backend.
//
// The loader's threads read bytes and draw each image's transform; Backend::images() makes floats of both. So a remote
// backend gets bytes, a quarter of what floats would be. It keeps them: each image is uploaded once, and from the
// second epoch on a batch is no more than a list of numbers and transforms - unless the dataset would take more than an
// eighth of the backend's memory; then the bytes are uploaded with each batch.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "data/images/image_dataset.h"
#include "data/loader.h"

namespace counterpoise::detail {

// The bytes of a dataset's images in a remote backend's memory, shared by all loaders of the dataset that live at the
// same time. Safe to use from several threads.
class ResidentImages {
 public:
  // Those of the dataset on this backend; null where the backend is not remote, or has fewer than `limit` bytes for
  // them.
  static std::shared_ptr<ResidentImages> of(const ImageDataset& dataset, Backend& backend, size_t limit);

  ResidentImages(const ImageDataset& dataset, Backend& backend);
  // Whether image i is there, so that nobody needs to read it.
  bool has(size_t i) const { return there_[i]; }
  // Uploads the image unless it is there.
  void upload(size_t i, const ImageDataset::Bytes& image);
  // [images of the dataset, S, S, 3] u8.
  const Tensor& bytes() const { return bytes_; }

 private:
  Backend& backend_;
  const Shape image_;
  Tensor bytes_;
  std::mutex mutex_;
  std::unique_ptr<std::atomic<bool>[]> there_;
};

class ImageReader : public BatchReader {
 public:
  ImageReader(const ImageDataset& dataset, const DataLoaderOptions& options);
  std::unique_ptr<Content> read(std::vector<Request>& requests) const override;
  Tensor collate(Content& content, const std::vector<size_t>& order) override;

 private:
  struct Images;

  const ImageDataset& dataset_;
  Backend& backend_;
  const DType dtype_;
  const Augment augment_;
  const std::shared_ptr<ResidentImages> resident_;  // or null
};

}  // namespace counterpoise::detail
