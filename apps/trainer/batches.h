// The batches of an epoch on their way into the network: loaded, brought to the backend, mixed.
#pragma once

#include <optional>

#include "apps/trainer/options.h"
#include "data/feed.h"
#include "data/mix.h"

namespace counterpoise {

struct PreparedBatch {
  std::vector<int32_t> labels;
  Tensor pixels;                     // [N, S, S, 3] on the backend
  std::optional<MixedLabels> mixed;  // where images are mixed
  double data_seconds = 0;           // spent waiting for the loader
};

class Batches {
 public:
  // The images `order` of the feed's set in epoch `epoch`; counts are the training images of each class, for Remix.
  // The feed and the options must outlive it.
  Batches(Feed& feed, const std::vector<size_t>& order, const Options& options, int epoch,
          const std::vector<int64_t>& counts);
  // The next batch of which something could be read, for step number `step`; false at the end.
  bool next(int64_t step, PreparedBatch& batch);

 private:
  Feed& feed_;
  const Options& options_;
  const std::vector<int64_t> counts_;
  Loader loader_;
};

}  // namespace counterpoise
