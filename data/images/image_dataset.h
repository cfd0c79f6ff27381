// A labeled set of images, all of one size, wherever they come from.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace counterpoise {

namespace detail {
class ResidentImages;
}

// Safe to use from several threads once it is constructed.
class ImageDataset : public Dataset {
 public:
  using Bytes = std::shared_ptr<const std::vector<uint8_t>>;

  struct Sample {
    std::string path;  // of its file, or the name of a synthetic image
    int32_t label;     // index into classes()
  };

  ImageDataset(std::vector<std::string> classes, int image_size)
      : classes_(std::move(classes)), image_size_(image_size) {}

  size_t size() const override { return samples_.size(); }
  int32_t label(size_t sample) const override { return samples_.at(sample).label; }
  const std::vector<std::string>& classes() const override { return classes_; }
  std::map<size_t, std::string> unreadable() const override;
  // Batches x [N, image_size, image_size, 3], augmented, x / 127.5 - 1 as in the lectures: within [-1, 1].
  std::unique_ptr<BatchReader> reader(const DataLoaderOptions& options) const override;

  // Notes that a sample cannot be read, and why, as if that had been tried: for a run that is continued.
  void note_unreadable(size_t i, const std::string& reason) const;

  const std::vector<Sample>& samples() const { return samples_; }
  int image_size() const { return image_size_; }

  // Image i as image_size x image_size x 3 bytes, RGB, or null if it cannot be read: then unreadable() says why.
  // Images are cached for later epochs, up to cache_bytes in all. Throws Error(failure) where it is not the image that
  // is at fault: too many open files, an error of the disk.
  Bytes load(size_t i) const;
  static constexpr size_t cache_bytes = size_t(1) << 30;

 protected:
  // Called from several threads. Throws Error for an image that cannot be read.
  virtual std::vector<uint8_t> read(const Sample& sample, size_t i) const = 0;

  std::vector<Sample> samples_;

 private:
  friend class detail::ResidentImages;

  std::vector<std::string> classes_;
  int image_size_;
  mutable std::mutex mutex_;
  mutable std::vector<Bytes> kept_;
  mutable size_t kept_bytes_ = 0;
  mutable std::map<size_t, std::string> unreadable_;
  mutable std::map<Backend*, std::weak_ptr<detail::ResidentImages>> resident_;
};

// The synthetic cats and dogs of synthetic.h: `counts` = {cats, dogs}. Sets with different seeds share no image. Throws
// for other than two counts, and Error(invalid_argument) for a negative one.
class SyntheticImages : public ImageDataset {
 public:
  SyntheticImages(const std::vector<int64_t>& counts, int image_size, uint64_t seed);

 protected:
  std::vector<uint8_t> read(const Sample& sample, size_t i) const override;

 private:
  std::vector<int64_t> counts_;
  uint64_t seed_;
};

}  // namespace counterpoise
