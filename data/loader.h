// The loader: turns an order of samples into batches of numbers, ahead of the one who trains, in threads of its own.
//
// What a batch contains depends on the order, the seed and the epoch alone: the augmentation of a image is drawn from
// (seed, epoch, sample), whichever thread does it. So the number of workers changes nothing but the speed. A sample
// that comes several times in an epoch is augmented differently each time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "data/images/augment.h"
#include "data/images/image_dataset.h"

namespace counterpoise {

struct Batch {
  std::vector<float> pixels;  // [N, S, S, 3], x / 127.5 - 1 as in the lectures: within [-1, 1]; or, of a raw loader,
  std::vector<ImageDataset::Bytes> images;  // [N] the images as they are, null where `kept`, and
  std::vector<FlipRotation> turns;          // [N] how they are to be augmented
  std::vector<int32_t> labels;              // [N]
  std::vector<size_t> samples;              // [N], indices into the set; images that cannot be read are left out
};

struct LoaderOptions {
  int batch_size = 32;
  int workers = 2;  // 0: the caller's thread does the work
  Augment augment;
  uint64_t seed = 0, epoch = 0;
  bool raw = false;                         // bytes and turns instead of pixels: see feed.h
  const std::atomic<bool>* kept = nullptr;  // of each image of the set: a raw loader need not read it. Or none is
};

// One pass over `order`, in batches; the last one may be smaller.
class Loader {
 public:
  Loader(const ImageDataset& set, std::vector<size_t> order, const LoaderOptions& options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  size_t batches() const;
  // The next batch; false at the end. A batch of unreadable images only is empty. Rethrows a worker's exception.
  bool next(Batch& batch);

 private:
  Batch make(size_t index) const;
  void work();

  const ImageDataset& set_;
  const std::vector<size_t> order_;
  std::vector<uint32_t> earlier_;  // how often each of them came before in the order
  const LoaderOptions options_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<size_t, Batch> ready_;  // batches made and not yet taken
  size_t claimed_ = 0, taken_ = 0;
  bool stop_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace counterpoise
