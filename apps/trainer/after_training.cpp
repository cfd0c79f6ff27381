#include "apps/trainer/after_training.h"

#include <cmath>

#include "apps/trainer/format.h"
#include "apps/trainer/stop_signal.h"
#include "data/sampler.h"
#include "losses/loss.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/posthoc.h"
#include "optim/optimizer.h"

namespace counterpoise {

namespace {
bool is_tuned(const Options& o) { return std::isalpha(static_cast<unsigned char>(o.threshold[0])) != 0; }
}  // namespace

bool wants_post_training(const Options& o) {
  return o.crt_epochs > 0 || o.tau_norm > 0 || o.temperature || o.threshold != "0.5" || o.adjust_logits > 0;
}

double retrain_classifier(Model& model, Feed& feed, const std::vector<size_t>& chosen, const Options& o,
                          int32_t positive) {
  const ImageDataset& set = feed.set();
  Backend& backend = feed.backend();
  // The new start is that of another network of the same kind.
  std::vector<Var> trainable = model.head().trainable();
  const auto fresh = make_model(o.model, backend, ~static_cast<uint64_t>(o.seed));
  const std::vector<Var> start = fresh->head().trainable();
  for (size_t i = 0; i < start.size(); ++i) trainable[i].set_value(start[i].value());
  Optimizer optimizer = make_optimizer(o.optimizer, trainable, optimizer_params(o));
  Loss loss(o.model.outputs == 1 ? "bce" : "cross-entropy");
  Schedule schedule;
  schedule.kind = Schedule::cosine;
  schedule.lr = o.schedule.lr;
  std::vector<int32_t> classes;
  for (size_t i : chosen) classes.push_back(set.samples()[i].label);

  double mean = 0;
  for (int epoch = 1; epoch <= o.crt_epochs && !stop_signal(); ++epoch) {
    const SamplerRun run{static_cast<uint64_t>(o.seed) + (uint64_t(1) << 62), static_cast<uint64_t>(epoch),
                         static_cast<uint64_t>(o.crt_epochs), o.batch_size};
    LoaderOptions options;
    options.batch_size = o.batch_size;
    options.workers = o.workers;
    options.augment = o.augment;
    options.seed = static_cast<uint64_t>(o.seed);
    options.epoch = static_cast<uint64_t>(o.epochs + epoch);
    Loader loader(set, find_sampler("class-balanced").order(chosen, classes, run), feed.complete(options));
    double sum = 0, images = 0, step = 0;
    for (Batch batch; !stop_signal() && loader.next(batch); ++step) {
      if (batch.labels.empty()) continue;
      const Index N = static_cast<Index>(batch.labels.size());
      Var features;
      {
        const NoGrad frozen;
        model.train(false);
        features = detach(model.features(feed.pixels(batch)));
        model.train(true);
      }
      const Var value = loss(cast(model.head()(features), DType::f32), make_labels(backend, batch.labels, positive));
      CP_ENSURE_AS(diverged, std::isfinite(value.value().item()), "--crt diverged in its epoch ", epoch,
                   "; try a smaller --lr");
      value.backward();
      optimizer.step(schedule.at(epoch - 1 + step / static_cast<double>(loader.batches()), o.crt_epochs));
      sum += value.value().item() * static_cast<double>(N);
      images += static_cast<double>(N);
    }
    mean = images > 0 ? sum / images : 0;
  }
  return mean;
}

void tune(Decision& decision, const Options& o, const std::vector<int64_t>& counts, const std::vector<double>& held_out,
          const std::vector<bool>& held_out_positive, std::vector<std::string>& notes) {
  std::vector<double> read = held_out;
  if (o.temperature) {
    decision.temperature = fit_temperature(held_out, held_out_positive);
    notes.push_back(text("Temperature ", decision.temperature, ", fitted on ", held_out.size(), " held-out images"));
  }
  if (o.adjust_logits > 0) {
    decision.shift = prior_shift(counts[decision.positive], counts[1 - decision.positive], o.adjust_logits);
    notes.push_back(text("Logits moved by ", -decision.shift));
  }
  if (!is_tuned(o)) {
    decision.cut = cut_of(o.threshold, decision);
    return;
  }
  for (double& z : read) z = z / decision.temperature - decision.shift;
  const BestThreshold best = best_threshold(read, held_out_positive, o.threshold);
  decision.cut = best.threshold;
  notes.push_back(text("Threshold ", probability(best.threshold), " gives the best ", o.threshold, ", ", best.value,
                       ", on ", held_out.size(), " held-out images"));
}

}  // namespace counterpoise
