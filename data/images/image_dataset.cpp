#include "data/images/image_dataset.h"

#include "core/random.h"
#include "data/images/synthetic.h"
#include "kernels/error.h"

namespace counterpoise {

std::vector<int64_t> ImageDataset::counts() const {
  std::vector<int64_t> n(classes_.size());
  for (const Sample& sample : samples_) ++n[sample.label];
  return n;
}

ImageDataset::Bytes ImageDataset::load(size_t i) const {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    kept_.resize(samples_.size());
    if (kept_[i]) return kept_[i];
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
    std::lock_guard<std::mutex> lock(mutex_);
    unreadable_.emplace(i, error.what());
    return nullptr;
  }
}

std::map<size_t, std::string> ImageDataset::unreadable() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return unreadable_;
}

std::vector<size_t> choose(const ImageDataset& set, const std::vector<int64_t>& wanted, bool natural, uint64_t seed) {
  std::vector<size_t> chosen;
  for (size_t c = 0; c < set.classes().size(); ++c) {
    std::vector<size_t> members;
    for (size_t i = 0; i < set.size(); ++i) {
      if (set.samples()[i].label == static_cast<int32_t>(c)) members.push_back(i);
    }
    if (!natural) Random(seed, Stream::subset, c).shuffle(members);
    if (wanted[c] >= 0) {
      CP_ENSURE_AS(bad_data, wanted[c] <= static_cast<int64_t>(members.size()), wanted[c], " images of class ",
                   set.classes()[c], " were requested, but there are only ", members.size());
      members.resize(wanted[c]);
    }
    chosen.insert(chosen.end(), members.begin(), members.end());
  }
  return chosen;
}

std::vector<size_t> interleave(const ImageDataset& set, const std::vector<size_t>& samples) {
  std::vector<std::vector<size_t>> by_class(set.classes().size());
  for (size_t i : samples) by_class[set.samples()[i].label].push_back(i);
  std::vector<size_t> order;
  for (size_t turn = 0; order.size() < samples.size(); ++turn) {
    for (const auto& members : by_class) {
      if (turn < members.size()) order.push_back(members[turn]);
    }
  }
  return order;
}

SyntheticImages::SyntheticImages(const std::vector<int64_t>& counts, int image_size, uint64_t seed)
    : ImageDataset({"cat", "dog"}, image_size), counts_(counts), seed_(seed) {
  CP_ENSURE(counts.size() == 2, "SyntheticImages: two counts wanted, of cats and of dogs");
  for (int32_t label : {0, 1}) {
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
