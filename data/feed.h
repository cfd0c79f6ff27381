// From a loader's batches to tensors on the backend that trains.
//
//   Feed feed(set, backend, DType::bf16);
//   Loader loader(set, order, feed.complete(options));
//   for (Batch batch; loader.next(batch);) model(feed.pixels(batch));
//
// On a processor the loader's threads mirror, turn and scale the images, and there is nothing left to do. A remote
// backend does that itself: it gets bytes, a quarter of what floats would be, and keeps them. A image goes there
// once, and from the second epoch on a batch is no more than a list of numbers - unless the set would take more than an
// eighth of the backend's memory; then each batch's bytes go there again.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "core/tensor.h"
#include "data/loader.h"

namespace counterpoise {

class Feed {
 public:
  // Images come in `dtype`: f32 or, where the backend has it, bf16. The set and the backend must outlive the feed.
  Feed(const ImageDataset& set, Backend& backend, DType dtype = DType::f32)
      : Feed(set, backend, dtype, backend.memory_bytes() / 8) {}
  // The set stays on a remote backend if it takes no more than `most_kept` bytes.
  Feed(const ImageDataset& set, Backend& backend, DType dtype, size_t most_kept);

  const ImageDataset& set() const { return set_; }
  Backend& backend() const { return backend_; }

  // Tells a loader in which form this feed wants its batches. The feed must outlive the loader.
  LoaderOptions complete(LoaderOptions options) const;
  // The images of a batch, augmented, [N, S, S, 3] within [-1, 1]. To be called by one thread at a time.
  Tensor pixels(const Batch& batch);
  // The same in another order, for mixing: image i of the result is image order[i] of the batch, which must be the
  // one that pixels() got last.
  Tensor pixels(const Batch& batch, const std::vector<size_t>& order) const;

 private:
  void upload(const Batch& batch);

  const ImageDataset& set_;
  Backend& backend_;
  const DType dtype_;
  const Index image_bytes_;
  const bool keeps_;
  Tensor bytes_;                               // [images of the set or of the batch, S, S, 3]
  std::unique_ptr<std::atomic<bool>[]> kept_;  // of each image of the set: its bytes are there
};

}  // namespace counterpoise
