// A labeled set of samples that a DataLoader (data/loader.h) makes batches of: images (data/images/image_dataset.h) or
// the rows of a table (data/tables/table.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/tensor.h"

namespace counterpoise {

struct DataLoaderOptions;
class BatchReader;

// The const functions of a dataset are safe to call from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;

  // The number of samples.
  virtual size_t size() const = 0;
  // The class of a sample, an index into classes().
  virtual int32_t label(size_t sample) const = 0;
  // The names of the classes.
  virtual const std::vector<std::string>& classes() const = 0;
  // For a DataLoader: what turns samples into batches. The dataset must outlive it.
  virtual std::unique_ptr<BatchReader> reader(const DataLoaderOptions& options) const = 0;

  // Which samples could not be read so far, and why.
  virtual std::map<size_t, std::string> unreadable() const { return {}; }

  // The number of samples of each class, [K]. Throws Error(bad_data) for a negative label.
  std::vector<int64_t> counts() const;
  std::vector<int64_t> counts(const std::vector<size_t>& samples) const;
  // All samples: 0 to size() - 1.
  std::vector<size_t> all_samples() const;
  // The class of each of these samples.
  std::vector<int32_t> labels_of(const std::vector<size_t>& samples) const;
};

// Turns samples into the input of a network in two stages: read() in the loader's threads, which may take long, and
// collate() in the training thread, which uploads the numbers to the backend.
class BatchReader {
 public:
  // A sample to be read, and the stream of random numbers that its augmentation draws from.
  struct Request {
    size_t sample;
    Random random;
  };
  // What was read: each kind of dataset has a struct of its own.
  struct Content {
    virtual ~Content() = default;
  };
  virtual ~BatchReader() = default;

  // Whether read() takes so long that it is worth threads of its own.
  virtual bool wants_workers() const { return true; }
  // Reads the samples, and removes from `requests` those that cannot be read. Called by several threads at once.
  virtual std::unique_ptr<Content> read(std::vector<Request>& requests) const = 0;
  // The input x [N, ...] of a network: sample n of it is number order[n] of those in `content`. Called by one thread,
  // once or several times for a content.
  virtual Tensor collate(Content& content, const std::vector<size_t>& order) = 0;
};

// A subset of the samples: wanted[c] of each class c, or all where wanted[c] < 0. They are the first ones in an order
// that is shuffled by `seed`, or with `natural` in the dataset's order. A larger subset of the same seed contains the
// smaller. The result is sorted by class. Throws Error(bad_data) if a class has fewer samples, and Error unless
// `wanted` has one entry per class.
std::vector<size_t> subset(const Dataset& dataset, const std::vector<int64_t>& wanted, bool natural, uint64_t seed);

// The same samples with the classes interleaved: one sample of each class in turn, until all are used.
std::vector<size_t> interleave(const Dataset& dataset, const std::vector<size_t>& samples);

}  // namespace counterpoise
