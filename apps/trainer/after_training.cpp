#include "apps/trainer/after_training.h"

#include <algorithm>
#include <cmath>

#include "apps/trainer/format.h"
#include "apps/trainer/loop.h"
#include "apps/trainer/stop_signal.h"
#include "data/sampler.h"
#include "losses/loss.h"
#include "losses/metrics/curves.h"
#include "losses/metrics/posthoc.h"
#include "optim/optimizer.h"

namespace counterpoise {

bool wants_post_training(const Options& o) {
  return o.crt_epochs > 0 || o.tau_norm > 0 || o.temperature || o.threshold != "0.5" || o.adjust_logits > 0;
}

// Post-hoc logit adjustment of K classes, Menon et al. 2020 (arXiv:2007.07314) eq. 9: tau log(n_k / N). A class without
// samples counts as one.
static std::vector<double> class_shifts(const std::vector<int64_t>& counts, double tau) {
  double all = 0;
  for (const int64_t n : counts) all += static_cast<double>(std::max<int64_t>(n, 1));
  std::vector<double> shifts;
  for (const int64_t n : counts) shifts.push_back(tau * std::log(static_cast<double>(std::max<int64_t>(n, 1)) / all));
  return shifts;
}

Var frozen_features(Model& model, const Tensor& x) {
  const NoGrad no_grad;
  model.train(false);
  const Var features = model.features(x);
  model.train(true);
  return features;
}

double retrain_classifier(Model& model, const TrainingData& data, const Options& o, Backend& backend) {
  // The new initial weights are those of another network of the same kind.
  std::vector<Var> trainable = model.head().trainable();
  const auto fresh = make_model(o.model, backend, ~static_cast<uint64_t>(o.seed));
  const std::vector<Var> start = fresh->head().trainable();
  for (size_t i = 0; i < start.size(); ++i) trainable[i].set_value(start[i].value());
  Optimizer optimizer = make_optimizer(o.optimizer, trainable, optimizer_params(o));
  Loss loss(o.model.outputs == 1 ? "bce" : "cross-entropy");
  Schedule schedule;
  schedule.kind = Schedule::cosine;
  schedule.lr = o.schedule.lr;

  DataLoaderOptions options = data.training_loader(o, backend);
  options.mix = {};
  DataLoader loader(*data.training, options);
  const std::vector<int32_t> classes = data.training->labels_of(data.chosen);
  const auto order = [&](int epoch) {
    const SamplerRun run{static_cast<uint64_t>(o.seed) + (uint64_t(1) << 62), static_cast<uint64_t>(epoch),
                         static_cast<uint64_t>(o.crt_epochs), o.batch_size};
    return find_sampler("class-balanced").order(data.chosen, classes, run);
  };
  const double steps_per_epoch = static_cast<double>(loader.batches_in(order(1)));

  double mean = 0;
  TrainingLoop loop;
  loop.epochs = o.crt_epochs;
  loop.first_epoch = static_cast<uint64_t>(o.epochs) + 1;
  loop.order = order;
  loop.stop = [] { return stop_signal() != 0; };
  loop.lr = [&](const Step& step) {
    return schedule.at(step.epoch - 1 + static_cast<double>(step.index_in_epoch) / steps_per_epoch, o.crt_epochs);
  };
  loop.forward = [&](const Batch& batch, const Step&) {
    const Var z = cast(model.head()(frozen_features(model, batch.x)), DType::f32) * o.loss_spec.logit_scale();
    return loss(z, make_labels(backend, batch.labels, data.positive));
  };
  loop.after_epoch = [&](const EpochResult& epoch) {
    mean = epoch.loss;
    return true;
  };
  try {
    loop.run(loader, optimizer, trainable);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::diverged) throw;
    throw Error(error.kind(), "--crt: ", error.what(), "; try a smaller --lr");
  }
  return mean;
}

void adjust_logits(Decision& decision, const std::vector<int64_t>& counts, double tau) {
  if (counts.size() > 2) decision.shifts = class_shifts(counts, tau);
  else decision.shift = prior_shift(counts[decision.positive], counts[1 - decision.positive], tau);
}

bool needs_tuning(const Options& o) { return is_tuned(o) || o.temperature; }

bool tune(Decision& decision, const Options& o, const std::vector<int64_t>& counts, const Evaluation& on,
          const std::string& what, std::vector<std::string>& notes) {
  const std::string images = text(on.samples.size(), " ", what, " images");
  double fitted = 1;
  if (o.temperature) {
    fitted = on.is_binary() ? fit_temperature(on.logits, on.is_positive())
                            : fit_temperature(on.logits, on.labels, static_cast<int64_t>(counts.size()));
    decision.temperature *= fitted;
    notes.push_back(text("Temperature ", decision.temperature, ", fitted on ", images));
  }
  if (o.adjust_logits > 0) {
    adjust_logits(decision, counts, o.adjust_logits);
    if (on.is_binary()) notes.push_back(text("Logits shifted by ", -decision.shift));
  }
  if (!on.is_binary()) return false;
  if (!is_tuned(o)) {
    decision.cut = cut_of(o.threshold, decision);
    return false;
  }
  std::vector<double> read = on.logits;
  for (double& z : read) z = z / fitted - decision.shift;
  const ThresholdRule rule = threshold_rule(o);
  try {
    decision.cut = best_threshold(read, on.is_positive(), rule).threshold;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::bad_data) throw;
    decision.cut = cut_of(untuned_threshold, decision);
    notes.push_back(text("Warning: on the ", images, " ", error.what(), "; the threshold is ", untuned_threshold));
    return false;
  }
  // (Few of them leave much of the choice to chance.)
  const std::vector<bool> positive = on.is_positive();
  notes.push_back(text("Threshold ", probability_of(decision.cut, decision), ", chosen by ", to_string(rule), " on ",
                       images, ", ", std::count(positive.begin(), positive.end(), true), " of them ",
                       printable(on.classes[decision.positive])));
  return true;
}

}  // namespace counterpoise
