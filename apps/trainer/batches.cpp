#include "apps/trainer/batches.h"

#include <chrono>

namespace counterpoise {

static LoaderOptions loader_options(const Options& o, int epoch) {
  LoaderOptions options;
  options.batch_size = o.batch_size;
  options.workers = o.workers;
  options.augment = o.augment;
  options.seed = static_cast<uint64_t>(o.seed);
  options.epoch = static_cast<uint64_t>(epoch);
  return options;
}

Batches::Batches(Feed& feed, const std::vector<size_t>& order, const Options& options, int epoch,
                 const std::vector<int64_t>& counts)
    : feed_(feed),
      options_(options),
      counts_(counts),
      loader_(feed.set(), order, feed.complete(loader_options(options, epoch))) {}

bool Batches::next(int64_t step, PreparedBatch& prepared) {
  const auto start = std::chrono::steady_clock::now();
  prepared = PreparedBatch();
  Batch batch;
  do {
    if (!loader_.next(batch)) return false;
  } while (batch.labels.empty());  // nothing in it could be read
  prepared.data_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  prepared.labels = batch.labels;
  prepared.pixels = feed_.pixels(batch);
  if (options_.mix.kind == Mix::none) return true;
  Random rng(static_cast<uint64_t>(options_.seed), Stream::mix, static_cast<uint64_t>(step));
  const MixPlan plan = plan_mix(options_.mix, rng, batch.labels.size(), options_.image_size);
  prepared.mixed = mix_labels(options_.mix, plan, batch.labels, counts_);
  prepared.pixels = mix_tensors(plan, prepared.pixels, feed_.pixels(batch, plan.partner));
  return true;
}

}  // namespace counterpoise
