#include "apps/trainer/views.h"

#include "apps/trainer/flags.h"
#include "data/augment/pipeline.h"
#include "kernels/error.h"

namespace counterpoise {

void check_views(const Options& o) {
  with_flag("--tta", [&] { o.tta.pipeline(); });
  CP_ENSURE_AS(invalid_argument, !o.given.count("--tta-views") || !o.tta.none(),
               "--tta-views: is the number of views of --tta, which is not given");
}

Views::Views(const Dataset& set, DataLoaderOptions options, const augment::Policy& augment, int count) {
  if (augment.none()) return;
  augment.pipeline();  // throws if it names classes
  options.augment = augment;
  options.augment_alike = true;
  options.workers /= count;  // in all as many threads as for one loader
  for (int i = 0; i < count; ++i) {
    options.epoch = static_cast<uint64_t>(i + 1);  // other draws for each view
    loaders_.push_back(std::make_unique<DataLoader>(set, options));
  }
}

void Views::start(const std::vector<size_t>& order) {
  for (const auto& loader : loaders_) loader->start(loader->options().epoch, order);
}

std::vector<double> Views::logits(Module& model, const Batch& batch, const Decision& decision) {
  std::vector<double> sum = counterpoise::logits(model(batch.x).value(), decision);
  for (const auto& loader : loaders_) {
    Batch view;
    CP_ENSURE_AS(bad_data, loader->next(view) && view.samples == batch.samples,
                 "an image could be read at first, but no more for --tta");
    const std::vector<double> more = counterpoise::logits(model(view.x).value(), decision);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
  }
  for (double& z : sum) z /= static_cast<double>(loaders_.size() + 1);
  return sum;
}

}  // namespace counterpoise
