// Test-time augmentation: an image is predicted by the mean of a network's logits for it as it is and for augmented
// copies of it, its views.
//
//   DataLoader loader(set, options);
//   Views views(set, options, augment::parse_policy("flip=1"), 1);
//   for (Batch batch; loader.next(batch);) use(views.logits(model, batch, decision));
//
// To be used by one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "apps/trainer/decision.h"
#include "apps/trainer/options.h"
#include "data/loader.h"
#include "layers/module.h"

namespace counterpoise {

// Throws Error(invalid_argument), in the name of --tta or --tta-views, where these options make no views.
void check_views(const Options& options);

class Views {
 public:
  Views() = default;  // none: the logits of the image as it is
  // `count` views, which `augment` makes of the samples that a loader with these options gives in order. What is drawn
  // depends on the seed and the number of the view, not on the image, so that its place in a list does not matter.
  // Throws Error(invalid_argument) if it names classes: at test time they are not known.
  Views(const Dataset& set, DataLoaderOptions options, const augment::Policy& augment, int count);

  // Begins with these samples.
  void start(const std::vector<size_t>& order);
  // logits() of decision.h for a batch of the images as they are, averaged with those of the views' next batch. Throws
  // Error(bad_data) where a view does not have the same samples, because a file has vanished since.
  std::vector<double> logits(Module& model, const Batch& batch, const Decision& decision);

 private:
  std::vector<std::unique_ptr<DataLoader>> loaders_;
};

}  // namespace counterpoise
