#include "data/images/image_dataset.h"

#include "data/images/synthetic.h"
#include "kernels/error.h"

namespace counterpoise {

ImageDataset::Bytes ImageDataset::load(size_t i) const {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    kept_.resize(samples_.size());
    if (kept_.at(i)) return kept_[i];
    if (unreadable_.count(i)) return nullptr;
  }
  try {
    const auto bytes = std::make_shared<const std::vector<uint8_t>>(read(samples_.at(i), i));
    std::lock_guard<std::mutex> lock(mutex_);
    if (kept_bytes_ + bytes->size() <= cache_bytes && !kept_[i]) {
      kept_[i] = bytes;
      kept_bytes_ += bytes->size();
    }
    return bytes;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_data) throw;  // too many open files: the image is not at fault
    std::lock_guard<std::mutex> lock(mutex_);
    unreadable_.emplace(i, error.what());
    return nullptr;
  }
}

std::map<size_t, std::string> ImageDataset::unreadable() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return unreadable_;
}

void ImageDataset::note_unreadable(size_t i, const std::string& reason) const {
  CP_ENSURE_AS(bad_data, i < samples_.size(), "sample ", i, " of a dataset of ", samples_.size());
  std::lock_guard<std::mutex> lock(mutex_);
  unreadable_.emplace(i, reason);
}

SyntheticImages::SyntheticImages(const std::vector<int64_t>& counts, int image_size, uint64_t seed)
    : ImageDataset({"cat", "dog"}, image_size), counts_(counts), seed_(seed) {
  CP_ENSURE(counts.size() == 2, "SyntheticImages: two counts wanted, of cats and of dogs");
  for (int32_t label : {0, 1}) {
    CP_ENSURE_AS(invalid_argument, counts[label] >= 0, "SyntheticImages: ", counts[label], " images of a ",
                 classes()[label]);
    for (int64_t i = 0; i < counts[label]; ++i) {
      samples_.push_back({detail::text("synthetic/", classes()[label], ".", i), label});
    }
  }
}

std::vector<uint8_t> SyntheticImages::read(const Sample& sample, size_t i) const {
  const uint64_t index = sample.label == 0 ? i : i - static_cast<size_t>(counts_[0]);
  return draw_animal(sample.label == 0 ? Animal::cat : Animal::dog, image_size(), seed_, index);
}

}  // namespace counterpoise
