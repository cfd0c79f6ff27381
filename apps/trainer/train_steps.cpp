#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/trainer/after_training.h"
#include "apps/trainer/format.h"
#include "apps/trainer/split_record.h"
#include "apps/trainer/stop_signal.h"
#include "apps/trainer/training.h"
#include "layers/weights.h"

namespace counterpoise {

void Training::train() {
  const auto scheduled = scheduled_lr(o_.schedule, loader_, o_.epochs, total_steps_);
  TrainingLoop loop;
  loop.epochs = o_.epochs;
  loop.start = position_;
  loop.max_steps = total_steps_;
  loop.stop = [] { return stop_signal() != 0; };
  loop.lr = [&](const Step& step) { return scheduled(step) * (plateau_ ? plateau_->scale() : 1); };
  loop.forward = [&](const Batch& batch, const Step& step) { return forward(batch, step); };
  loop.max_norm = o_.clip_norm;
  loop.after_update = [&](const Step&) {
    if (ema_) ema_->update();
    shares_.collect(labels_);
  };
  loop.after_step = [&](const Step& step) {
    now_.steps = step.index + 1;
    log_->add(step);
    progress_.step(text("epoch ", step.epoch, "/", o_.epochs), now_.steps, step.samples, step.loss);
  };
  loop.checkpoint_is_due = [&] { return checkpoint_is_due(); };
  loop.checkpoint = [&](const LoopPosition& position) { save_checkpoint(position); };
  loop.after_epoch = [&](const EpochResult& epoch) { return after_epoch(epoch); };
  const std::unique_ptr<StepGraph> graph = backend_.make_step_graph();
  loop.graph = graph.get();
  last_checkpoint_ = Clock::now();
  try {
    loop.run(loader_, *optimizer_, model_->trainable());
    save_first_checkpoint();
    if (!graph->summary().empty()) say(graph->summary());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::diverged) throw;
    log_->save();  // the tables show the steps before it
    std::string more;
    if (folder().wanted()) {
      post_mortem_.write(folder().path("post-mortem"), error.what(), *model_, *data_.training);
      more = "; its steps are in " + folder().path("steps.csv") + ", and the batch and the weights before it in " +
             folder().path("post-mortem");
    }
    throw Error(error.kind(), error.what(), "; try a smaller --lr", more);
  }
}

Var Training::forward(const Batch& batch, const Step& step) {
  loss_->set_progress(static_cast<double>(step.index) / static_cast<double>(total_steps_));
  const Var features = o_.freeze ? frozen_features(*model_, batch.x) : model_->features(batch.x);
  if (o_.loss->name == "influence-balanced") {
    loss_->set_feature_norms(row_sum(abs(cast(features, DType::f32))));
  }
  const Labels labels = make_labels(backend_, batch.labels, decision_.positive);
  const Var z = shares_.watch(cast(model_->head()(features), DType::f32), labels, *loss_, step.index);
  labels_ = batch.labels;
  post_mortem_.remember(batch, step, z.value());
  const auto& mixed = batch.mixed;
  return mixed ? loss_->mixed(z, labels, make_labels(backend_, mixed->other, decision_.positive), mixed->own_weight)
               : (*loss_)(z, labels);
}

bool Training::after_epoch(const EpochResult& epoch) {
  last_epoch_ = epoch.epoch;
  const auto unreadable = data_.training->unreadable();
  CP_ENSURE_AS(bad_data, epoch.samples > 0 || stop_signal(), "none of the ", data_.chosen.size(),
               " training images can be read; the first: ", unreadable.empty() ? "" : unreadable.begin()->second);
  if (ema_) ema_->swap();
  const bool evaluated = !stop_signal() && evaluate_epoch(epoch);
  const bool patient = o_.patience == 0 || epoch.epoch - now_.best_epoch < o_.patience;
  if (evaluated && !patient) {
    say(text("Early stopping: no epoch since epoch ", now_.best_epoch, " had a better ", o_.monitor, " on validation"));
  }
  now_.complete = evaluated && (epoch.epoch == o_.epochs || epoch.steps == total_steps_ || !patient);
  if (ema_) ema_->swap();
  if (evaluated) shares_.reset();
  save_checkpoint(evaluated ? epoch.next() : epoch.position);
  return evaluated && patient;
}

Evaluation Training::evaluate_finite(DataLoader& loader, const std::string& after) {
  try {
    const size_t all = loader.dataset().size();
    Evaluation evaluation = evaluate(*model_, loader, decision_, [&](size_t done) { progress_.evaluating(done, all); });
    std::vector<Tensor> weights;
    for (const Parameter& p : model_->parameters()) weights.push_back(p.var.value());
    CP_ENSURE_AS(diverged, std::isfinite(sum_squares(weights)), "a weight is NaN or infinite");  // relu can hide it
    return evaluation;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::diverged) throw;
    throw Error(error.kind(), "training diverged: ", error.what(), " after ", after);
  }
}

bool Training::evaluate_epoch(const EpochResult& epoch) {
  const auto start = Clock::now();
  const Evaluation e = evaluate_finite(validation_loader_, text("step ", now_.steps, " (epoch ", epoch.epoch, ")"));
  if (!e.complete) return false;
  const double seconds = epoch.seconds + seconds_since(start);
  const std::map<std::string, double> metrics = quality(e);
  const double value = metrics.at(o_.monitor);
  const std::string monitored = o_.monitor == "f1" ? "" : formatted("  %s %.4f", o_.monitor.c_str(), value);
  say(formatted("epoch %d/%d  loss %.4f  validation: accuracy %.4f  precision %.4f  recall %.4f  F1 %.4f%s  (%s)",
                epoch.epoch, o_.epochs, epoch.loss, metrics.at("accuracy"), metrics.at("precision"),
                metrics.at("recall"), metrics.at("f1"), monitored.c_str(), clock_text(seconds).c_str()));
  log_->add(epoch, e, metrics, shares_, seconds);
  if (plateau_ && plateau_->update(value)) {
    say(text("Learning rate times ", o_.schedule.step_gamma, ": no epoch of the last ", o_.lr_patience + 1,
             " had a better ", o_.monitor));
  }
  now_.epochs = epoch.epoch;
  const bool best = now_.best_epoch == 0 || is_better(o_.monitor, value, now_.best_value);
  if (best) {
    now_.best_epoch = epoch.epoch, now_.best_value = value;
    best_weights_ = copy_weights();
  }
  if (folder().wanted()) {
    log_->save();
    save("last.safetensors", epoch.epoch);
    if (best) save("best.safetensors", epoch.epoch);
    now_.saved_epoch = epoch.epoch;
  }
  return true;
}

void Training::save(const char* name, int epoch) const {
  if (folder().wanted()) save_weights(*model_, folder().path(name), metadata(epoch));
}

std::map<std::string, std::string> Training::metadata(int epoch) const {
  std::map<std::string, std::string> all = counterpoise::metadata(o_.model);
  all.insert({{"format", "pt"},
              {"framework", "counterpoise"},
              {"threshold", formatted("%.17g", decision_.origin)},
              {"temperature", formatted("%.17g", decision_.temperature)},
              {"logit_shift", formatted("%.17g", decision_.shift)},
              {"cut", formatted("%.17g", decision_.cut)},
              {"training_images", nlohmann::json(data_.counts).dump()},
              {"loss", o_.loss->name},
              {"loss_state", nlohmann::json(loss_->state()).dump()},
              {"classes", nlohmann::json(data_.classes()).dump()},
              {"positive", o_.positive},
              {"scaling", o_.model.normalization == Normalization() ? "x / 127.5 - 1" : "(x / 255 - mean) / std"},
              {"epoch", text(epoch)}});
  if (!data_.split.empty()) all["split"] = split_record(o_, data_);
  if (o_.resize != Resize::antialias) all["resize"] = to_string(o_.resize);
  if (tau_normalized_) all["tau_norm"] = formatted("%.17g", o_.tau_norm);
  if (!decision_.shifts.empty()) all["logit_shifts"] = nlohmann::json(decision_.shifts).dump();
  return all;
}

}  // namespace counterpoise
