// DataLoader: turns the samples of a dataset into batches on a backend. Threads of its own prefetch the batches.
//
//   for (const Batch& batch : DataLoader(table, {.batch_size = 256, .seed = 1, .epoch = e})) {
//     loss(net(batch.x), batch.labels).backward();
//     optimizer.step();
//   }
//
// What a batch contains depends on the samples, the seed and the epoch alone: the augmentation of an image is drawn
// from (seed, epoch, sample), whichever thread does it. So the number of workers changes nothing but the speed. A
// sample that comes several times in an epoch is augmented differently each time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/augment/spec.h"
#include "data/dataset.h"
#include "data/mix.h"

namespace counterpoise {

struct Batch {
  Tensor x;                          // [N, S, S, 3] images or [N, columns] rows of a table
  std::vector<int32_t> labels;       // [N]
  std::vector<size_t> samples;       // [N], indices into the dataset
  std::optional<MixedLabels> mixed;  // where samples are mixed
  size_t index = 0;                  // its place among the batches of the epoch, 0 is the first
  double seconds = 0;                // that next() took, most of it waiting for the workers

  size_t size() const { return samples.size(); }
};

struct DataLoaderOptions {
  int batch_size = 32;  // the last batch of an epoch may be smaller
  // The order of an epoch: one of sampler_names(), or "" for that of `samples`, as when predictions are to be compared
  // with labels one by one. (PyTorch's DataLoader does not shuffle by default.)
  std::string sampler = "shuffle";
  // A subset of the dataset, with one sample at least; without it all of it.
  std::optional<std::vector<size_t>> samples = {};
  uint64_t seed = 0;
  uint64_t epoch = 1;            // the first epoch
  uint64_t epochs = 1;           // in all: "progressive" is class-balanced in the last one, and in those after it
  augment::Policy augment = {};  // of images
  // [K] samples of each class, from which `augment` knows the rare ones; empty: those of `samples`.
  std::vector<int64_t> class_counts = {};
  // All samples are augmented by the same random numbers, which depend on the seed and the epoch alone: for views at
  // test time, where the place of a sample must not matter.
  bool augment_alike = false;
  Mix mix = {};
  int64_t first_step = 0;  // the number of the first batch, which the random numbers of `mix` depend on
  int workers = 2;         // threads; 0: the caller's thread does the work
  Backend* backend = &cpu_backend();
  DType dtype = DType::f32;     // of x: f32 or, where the backend has it, bf16
  int64_t resident_bytes = -1;  // how many bytes of images a remote backend keeps at most; -1: an eighth of its memory
};

// Not safe to use from several threads at once. The dataset and the backend must outlive it.
class DataLoader {
 public:
  // Throws Error(invalid_argument) for options that do not fit the dataset.
  explicit DataLoader(const Dataset& dataset, DataLoaderOptions options = {});
  explicit DataLoader(const Dataset&& temporary, DataLoaderOptions options = {}) = delete;  // it would not outlive this
  ~DataLoader();
  DataLoader(const DataLoader&) = delete;
  DataLoader& operator=(const DataLoader&) = delete;

  const Dataset& dataset() const { return dataset_; }
  const DataLoaderOptions& options() const { return options_; }

  // The samples of an epoch in order, as the sampler draws them; and the number of batches that they make.
  std::vector<size_t> order(uint64_t epoch) const;
  size_t batches_in(const std::vector<size_t>& order) const;
  // The number of batches in epochs 1 to `epochs`, or `at_most` if there are more.
  int64_t count_batches(uint64_t epochs, int64_t at_most) const;

  // Begins an epoch, with the order of the sampler or with another one.
  void start(uint64_t epoch) { start(epoch, order(epoch)); }
  void start(uint64_t epoch, const std::vector<size_t>& order);
  // Begins an epoch in its middle: the first `skip` batches are left out, unread, and the next one is the batch number
  // `step` of all epochs (first_step of the options). What follows is what would have followed them.
  void start(uint64_t epoch, const std::vector<size_t>& order, size_t skip, int64_t step);
  // The next batch of the epoch; false at its end. Samples that cannot be read are left out, and so are batches without
  // a readable sample. Begins the first epoch if none was begun. Rethrows what a worker threw; throws
  // Error(invalid_argument) for CutMix of table rows.
  bool next(Batch& batch);

  // A range-based for loop runs over one epoch: the one that was begun last, unless a batch of it was taken, then the
  // next one.
  class Iterator;
  Iterator begin();
  Iterator end();

 private:
  class Pass;

  void mix(BatchReader::Content& content, Batch& batch);

  const Dataset& dataset_;
  const DataLoaderOptions options_;
  const std::vector<int64_t> counts_;  // samples of each class
  const std::unique_ptr<BatchReader> reader_;
  std::unique_ptr<Pass> pass_;  // the epoch that was begun
  uint64_t epoch_ = 0;
  bool taken_ = false;  // whether a batch of it was taken
  int64_t step_;
};

class DataLoader::Iterator {
 public:
  explicit Iterator(DataLoader* loader) : loader_(loader) {
    if (loader_) ++*this;
  }
  const Batch& operator*() const { return batch_; }
  const Batch* operator->() const { return &batch_; }
  Iterator& operator++() {
    if (!loader_->next(batch_)) loader_ = nullptr;
    return *this;
  }
  bool operator!=(const Iterator& other) const { return loader_ != other.loader_; }

 private:
  DataLoader* loader_;  // null at the end
  Batch batch_;
};

inline DataLoader::Iterator DataLoader::begin() {
  if (taken_) start(epoch_ + 1);
  return Iterator(this);
}
inline DataLoader::Iterator DataLoader::end() { return Iterator(nullptr); }

}  // namespace counterpoise
