// A labeled set of images, all of one size, wherever they come from.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace counterpoise {

class ImageDataset {
 public:
  using Bytes = std::shared_ptr<const std::vector<uint8_t>>;

  struct Sample {
    std::string path;  // where it is, or what it is called
    int32_t label;     // index into classes()
  };

  ImageDataset(std::vector<std::string> classes, int image_size)
      : classes_(std::move(classes)), image_size_(image_size) {}
  virtual ~ImageDataset() = default;

  const std::vector<std::string>& classes() const { return classes_; }
  const std::vector<Sample>& samples() const { return samples_; }
  size_t size() const { return samples_.size(); }
  int image_size() const { return image_size_; }
  // Samples of each class.
  std::vector<int64_t> counts() const;

  // Image i as image_size x image_size x 3 bytes, RGB, or null if it cannot be read: then unreadable() says why.
  // May be called from several threads. Images are kept for the next epoch, up to cache_bytes of them.
  Bytes load(size_t i) const;
  // What could not be read so far, and why, by sample.
  std::map<size_t, std::string> unreadable() const;

  static constexpr size_t cache_bytes = size_t(1) << 30;

 protected:
  // Throws Error for a image that cannot be read.
  virtual std::vector<uint8_t> read(const Sample& sample, size_t i) const = 0;

  std::vector<Sample> samples_;

 private:
  std::vector<std::string> classes_;
  int image_size_;
  mutable std::mutex mutex_;
  mutable std::vector<Bytes> kept_;
  mutable size_t kept_bytes_ = 0;
  mutable std::map<size_t, std::string> unreadable_;
};

// Which samples to train on: for each class `wanted[c]` of them, or all where wanted[c] < 0: the first in an order that
// is drawn from `seed`, or with `natural` the first as they stand. Samples come out class by class. Throws
// Error(bad_data) if a class has fewer.
std::vector<size_t> choose(const ImageDataset& set, const std::vector<int64_t>& wanted, bool natural, uint64_t seed);

// The same samples taking turns: one of each class in order, as long as each lasts.
std::vector<size_t> interleave(const ImageDataset& set, const std::vector<size_t>& samples);

// The synthetic cats and dogs of drawn.h: `counts` = {cats, dogs}. Sets with different seeds share no image.
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
