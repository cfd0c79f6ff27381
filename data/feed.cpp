#include "data/feed.h"

#include <cmath>
#include <numeric>

namespace counterpoise {

Feed::Feed(const ImageDataset& set, Backend& backend, DType dtype, size_t most_kept)
    : set_(set),
      backend_(backend),
      dtype_(dtype),
      image_bytes_(Index(set.image_size()) * set.image_size() * 3),
      keeps_(set.size() * static_cast<size_t>(image_bytes_) <= most_kept),
      kept_(new std::atomic<bool>[set.size()]()) {}

LoaderOptions Feed::complete(LoaderOptions options) const {
  options.raw = backend_.is_remote();
  if (options.raw && keeps_) options.kept = kept_.get();
  return options;
}

// Brings what is not there yet; each image has its place.
void Feed::upload(const Batch& batch) {
  const Index S = set_.image_size(), N = static_cast<Index>(batch.samples.size());
  if (!keeps_) bytes_ = Tensor::empty(backend_, {N, S, S, 3}, DType::u8);
  else if (!bytes_.defined()) bytes_ = Tensor::empty(backend_, {Index(set_.size()), S, S, 3}, DType::u8);
  const View all = bytes_;
  for (size_t i = 0; i < batch.samples.size(); ++i) {
    const size_t sample = batch.samples[i];
    if (keeps_ && kept_[sample]) continue;
    CP_ENSURE(batch.images[i], "feed: the bytes of image ", sample, " are missing");
    const Index place = keeps_ ? static_cast<Index>(sample) : static_cast<Index>(i);
    backend_.upload(batch.images[i]->data(), {all.as<uint8_t>() + place * image_bytes_, {S, S, 3}, DType::u8});
    if (keeps_) kept_[sample] = true;
  }
}

Tensor Feed::pixels(const Batch& batch) {
  const Index S = set_.image_size(), N = static_cast<Index>(batch.samples.size());
  if (!backend_.is_remote()) return Tensor::from(backend_, {N, S, S, 3}, batch.pixels).cast(dtype_);
  upload(batch);
  std::vector<size_t> order(batch.samples.size());
  std::iota(order.begin(), order.end(), size_t(0));
  return pixels(batch, order);
}

Tensor Feed::pixels(const Batch& batch, const std::vector<size_t>& order) const {
  const Index S = set_.image_size(), N = static_cast<Index>(order.size());
  if (!backend_.is_remote()) {
    std::vector<float> pixels;
    for (const size_t i : order) {
      const auto first = batch.pixels.begin() + static_cast<std::ptrdiff_t>(i) * image_bytes_;
      pixels.insert(pixels.end(), first, first + image_bytes_);
    }
    return Tensor::from(backend_, {N, S, S, 3}, pixels).cast(dtype_);
  }
  std::vector<int32_t> index;
  std::vector<double> turns;
  for (const size_t i : order) {
    const FlipRotation& turn = batch.turns[i];
    index.push_back(static_cast<int32_t>(keeps_ ? batch.samples[i] : i));
    turns.insert(turns.end(), {std::cos(double{turn.angle}), std::sin(double{turn.angle}), turn.flip ? 1. : 0.});
  }
  Tensor y = Tensor::empty(backend_, {N, S, S, 3}, dtype_);
  backend_.images(bytes_, Tensor::from(backend_, {N}, index), Tensor::from(backend_, {N, 3}, turns), y);
  return y;
}

}  // namespace counterpoise
