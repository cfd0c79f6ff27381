#include "apps/trainer/train.h"

#include <chrono>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/trainer/after_training.h"
#include "apps/trainer/data_sets.h"
#include "apps/trainer/device.h"
#include "apps/trainer/evaluate.h"
#include "apps/trainer/format.h"
#include "apps/trainer/loop.h"
#include "apps/trainer/progress.h"
#include "apps/trainer/run_log.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/file.h"
#include "core/io/safetensors.h"
#include "kernels/cpu/parallel.h"
#include "kernels/warning.h"
#include "layers/linear.h"
#include "layers/summary.h"
#include "layers/weights.h"
#include "losses/loss.h"
#include "optim/ema.h"
#include "optim/optimizer.h"

namespace counterpoise {

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The best epoch so far, the last one whose weights were saved, and the last evaluation.
struct Standing {
  Evaluation last;
  int64_t steps = 0;
  int best_epoch = 0, saved_epoch = 0;
  double best_f1 = 0;
};

// One experiment: it trains a network as the options say, evaluates it and writes the results.
class Training {
 public:
  explicit Training(Options options)
      : o_(std::move(options)),
        backend_(choose_backend(o_.device, o_.precision, o_.deterministic)),
        data_(o_),
        loader_(*data_.training, data_.training_loader(o_, backend_)),
        validation_loader_(*data_.validation, evaluation_loader(o_, backend_)),
        total_steps_(loader_.count_batches(static_cast<uint64_t>(o_.epochs),
                                           o_.max_steps ? o_.max_steps : std::numeric_limits<int64_t>::max())),
        progress_(total_steps_) {
    decision_.positive = data_.positive;
    decision_.origin = o_.loss->defaults.threshold;
    if (!o_.init.empty()) check_weights(*make_model(o_.model, meta_backend(), o_.seed), o_.init);
    model_ = make_model(o_.model, backend_, o_.seed);
    set_warning_handler([this](const std::string& warning) { say("Warning: " + warning); });
    make_loss();
    if (!o_.init.empty()) {
      load_weights(*model_, o_.init);
      restore_loss(SafetensorsFile(o_.init).metadata());
    }
    announce();
    log_ = std::make_unique<RunLog>(o_.output);
  }

  ~Training() { set_warning_handler({}); }
  Training(const Training&) = delete;
  Training& operator=(const Training&) = delete;

  // The end of the message of an error that ends the run.
  std::string what_is_saved() const {
    if (!folder().wanted() || now_.best_epoch == 0) return "";
    return text("; the weights of epoch ", now_.saved_epoch, " are in ", folder().path("last.safetensors"));
  }

  Exit run() {
    const int last_epoch = train();
    if (!complete_) return stopped(last_epoch);
    if (wants_post_training(o_) && !apply_techniques()) return stopped_after_training();
    finish();
    return Exit::ok;
  }

 private:
  void say(const std::string& text) { progress_.say(text); }
  RunFolder& folder() const { return log_->folder(); }

  void make_loss() {
    LossOptions options;
    options.counts = data_.counts;
    options.class_weights = data_.class_weights;
    if (!o_.loss->is(LossInfo::batch_level) || o_.given.count("--loss-reduction")) options.reduction = o_.reduction;
    options.defer_weights = o_.defer_weights;
    options.seed = static_cast<uint64_t>(o_.seed);
    loss_ = std::make_unique<Loss>(o_.loss_spec, options);
    loss_->train(true);
  }

  // Restores the state of the loss from the metadata of the initial weights, if they were trained with the same loss.
  void restore_loss(const std::map<std::string, std::string>& metadata) {
    const auto name = metadata.find("loss"), state = metadata.find("loss_state");
    if (name == metadata.end() || state == metadata.end() || name->second != o_.loss->name) return;
    constexpr size_t limit = 1 << 20;  // bytes; nested arrays take a hundred times as much when parsed
    CP_ENSURE_AS(bad_data, state->second.size() <= limit, o_.init, ": its loss_state has ", state->second.size(),
                 " bytes, more than ", limit);
    try {
      loss_->restore(nlohmann::json::parse(state->second).get<LossState>());
    } catch (const nlohmann::json::exception&) {
      throw Error(ErrorKind::bad_data, o_.init + ": its loss_state is damaged");
    }
  }

  void announce() {
    const auto& classes = data_.classes();
    if (o_.threads == 0) o_.threads = cpu_threads();
    say(text("Found ", data_.training->size(), " files belonging to ", classes.size(), " classes."));
    std::string counts;
    for (size_t c = 0; c < classes.size(); ++c) counts += text(c ? ", " : "", data_.counts[c], " ", classes[c]);
    if (!data_.held_out.empty()) counts += text(", with ", data_.held_out.size(), " more held out");
    say(text("Training on ", counts, "; validating on ", data_.validation->size(), "; positive class: ", o_.positive));
    say(text("Network: ", o_.model.name, ", width ", o_.model.width, ", ", o_.image_size, "x", o_.image_size,
             " images, ", with_commas(model_->parameter_count()), " parameters; on ", machine_text()));
    std::string loss = "Loss: " + o_.loss->name;
    for (const auto& [name, value] : o_.loss_spec.params()) {
      loss += text(", ", name, " ");
      if (name == "alpha" && value >= 0) {
        loss += text(value, " for ", o_.positive, " and ", 1 - value, " for ", classes[1 - decision_.positive]);
      } else {
        loss += value == -1 ? "none" : text(value);
      }
    }
    for (size_t c = 0; c < data_.class_weights.size(); ++c)
      loss += text(c ? ", " : "; class weights: ", classes[c], " ", data_.class_weights[c]);
    say(loss + text("; ", o_.optimizer, ", learning rate ", o_.schedule.lr, " (", o_.schedule_name, ")"));
  }

  std::string machine_text() const {
    if (backend_.is_remote()) return text(backend_.name(), " in ", o_.precision, ": ", backend_.description());
    return text(backend_.name(), " with ", o_.threads, o_.threads == 1 ? " thread" : " threads");
  }

  // Trains, and evaluates after each epoch. Returns the last epoch that was begun.
  int train() {
    Optimizer optimizer = make_optimizer(o_.optimizer, model_->trainable(), optimizer_params(o_));
    const double steps_per_epoch = static_cast<double>(loader_.batches_in(loader_.order(1)));
    const double epochs = std::min<double>(o_.epochs, static_cast<double>(total_steps_) / steps_per_epoch);
    int last_epoch = 1;
    TrainingLoop loop;
    loop.epochs = o_.epochs;
    loop.max_steps = total_steps_;
    loop.stop = [] { return stop_signal() != 0; };
    loop.lr = [&](const Step& step) {
      return o_.schedule.at(static_cast<double>(step.index) / steps_per_epoch, epochs, steps_per_epoch);
    };
    loop.forward = [&](const Batch& batch, const Step& step) { return forward(batch, step); };
    loop.max_norm = o_.clip_norm;
    if (o_.ema > 0) {
      std::vector<Var> weights;
      for (const Parameter& p : model_->parameters()) weights.push_back(p.var);
      ema_.emplace(std::move(weights), o_.ema);
      loop.after_update = [&](const Step&) { ema_->update(); };
    }
    loop.after_step = [&](const Step& step) {
      now_.steps = step.index + 1;
      log_->add(step);
      progress_.step(text("epoch ", step.epoch, "/", o_.epochs), now_.steps, step.samples, step.loss);
    };
    loop.after_epoch = [&](const EpochResult& epoch) {
      last_epoch = epoch.epoch;
      const auto unreadable = data_.training->unreadable();
      CP_ENSURE_AS(bad_data, epoch.samples > 0 || stop_signal(), "none of the ", data_.chosen.size(),
                   " training images can be read; the first: ", unreadable.empty() ? "" : unreadable.begin()->second);
      if (ema_) ema_->swap();
      const bool evaluated = !stop_signal() && evaluate_epoch(epoch);
      const bool patient = o_.patience == 0 || epoch.epoch - now_.best_epoch < o_.patience;
      if (evaluated && !patient) {
        say(text("Early stopping: no epoch since epoch ", now_.best_epoch, " had a better F1 on validation"));
      }
      complete_ = evaluated && (epoch.epoch == o_.epochs || epoch.steps == total_steps_ || !patient);
      if (ema_) ema_->swap();
      return evaluated && patient;
    };
    try {
      loop.run(loader_, optimizer, model_->trainable());
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::diverged) throw;
      log_->save();  // the tables show the steps before it
      throw Error(error.kind(), error.what(), "; try a smaller --lr",
                  folder().wanted() ? "; its steps are in " + folder().path("steps.csv") : "");
    }
    if (ema_) ema_->swap();  // what is evaluated and saved from here on
    return last_epoch;
  }

  // The loss of a batch.
  Var forward(const Batch& batch, const Step& step) {
    loss_->set_progress(static_cast<double>(step.index) / static_cast<double>(total_steps_));
    const Var features = model_->features(batch.x);
    if (o_.loss->name == "influence-balanced") {
      loss_->set_feature_norms(row_sum(abs(cast(detach(features), DType::f32))).value());
    }
    const Var z = cast(model_->head()(features), DType::f32);
    const Labels labels = make_labels(backend_, batch.labels, decision_.positive);
    const auto& mixed = batch.mixed;
    return mixed ? loss_->mixed(z, labels, make_labels(backend_, mixed->other, decision_.positive), mixed->own_weight)
                 : (*loss_)(z, labels);
  }

  // Evaluates before anything is saved: the loss of a step cannot show that its update ruined the weights. `after` says
  // what changed them. Throws Error(diverged).
  Evaluation evaluate_finite(const std::string& after) {
    try {
      Evaluation evaluation = evaluate(*model_, validation_loader_, decision_);
      std::vector<Tensor> weights;
      for (const Parameter& p : model_->parameters()) weights.push_back(p.var.value());
      CP_ENSURE_AS(diverged, std::isfinite(sum_squares(weights)), "a weight is NaN or infinite");  // relu can hide it
      return evaluation;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::diverged) throw;
      throw Error(error.kind(), "training diverged: ", error.what(), " after ", after);
    }
  }

  // Returns false if a stop signal arrived meanwhile.
  bool evaluate_epoch(const EpochResult& epoch) {
    const auto start = std::chrono::steady_clock::now();
    now_.last = evaluate_finite(text("step ", now_.steps, " (epoch ", epoch.epoch, ")"));
    if (now_.last.samples.size() + now_.last.unreadable < data_.validation->size()) return false;
    const Confusion& c = now_.last.counts;
    const double seconds = epoch.seconds + seconds_since(start);
    say(formatted("epoch %d/%d  loss %.4f  validation: accuracy %.4f  precision %.4f  recall %.4f  F1 %.4f  (%s)",
                  epoch.epoch, o_.epochs, epoch.loss, c.accuracy(), c.precision(), c.recall(), c.f1(),
                  clock_text(seconds).c_str()));
    log_->add(epoch, c, seconds);
    const bool best = now_.best_epoch == 0 || c.f1() > now_.best_f1;
    if (best) now_.best_epoch = epoch.epoch, now_.best_f1 = c.f1();
    if (folder().wanted()) {
      log_->save();
      save_weights(*model_, folder().path("last.safetensors"), metadata(epoch.epoch));
      if (best) save_weights(*model_, folder().path("best.safetensors"), metadata(epoch.epoch));
      now_.saved_epoch = epoch.epoch;
    }
    return true;
  }

  // Everything that another program needs to use the weights.
  std::map<std::string, std::string> metadata(int epoch) const {
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
                {"scaling", "x / 127.5 - 1"},
                {"epoch", text(epoch)}});
    return all;
  }

  // Saves the weights as they are.
  Exit stopped(int epoch) {
    if (folder().wanted()) {
      log_->save();
      save_weights(*model_, folder().path("last.safetensors"), metadata(epoch));
    }
    say(text("Stopped by a signal after step ", now_.steps, ".",
             folder().wanted() ? " The weights so far are in " + folder().path("last.safetensors") : ""));
    return static_cast<Exit>(128 + stop_signal());
  }

  // The weights that were saved after the last epoch stay: those in memory may be half re-trained.
  Exit stopped_after_training() {
    say(text("Stopped by a signal in a technique after training, which is left out.",
             folder().wanted() ? text(" ", folder().path("last.safetensors"), " holds the weights of epoch ",
                                      now_.saved_epoch, ", before it")
                               : ""));
    return static_cast<Exit>(128 + stop_signal());
  }

  // Applies the techniques for a trained network; the result is evaluated and saved as the last weights. Returns false,
  // and saves nothing, if a stop signal arrived meanwhile.
  bool apply_techniques() {
    const auto start = std::chrono::steady_clock::now();
    if (o_.crt_epochs > 0) {
      const double loss = retrain_classifier(*model_, data_, o_, backend_);
      if (stop_signal()) return false;
      say(formatted("Classifier re-trained for %d epochs: loss %.4f  (%s)", o_.crt_epochs, loss,
                    clock_text(seconds_since(start)).c_str()));
    }
    if (o_.tau_norm > 0) tau_normalize(model_->head(), o_.tau_norm);
    Evaluation held_out;
    if (!data_.held_out.empty() && !stop_signal()) {
      DataLoader loader(*data_.training, evaluation_loader(o_, backend_, data_.held_out));
      held_out = evaluate(*model_, loader, decision_);
    }
    if (stop_signal()) return false;
    std::vector<std::string> notes;
    tune(decision_, o_, data_.counts, held_out.logits, is_positive(*data_.training, held_out, decision_.positive),
         notes);
    for (const std::string& note : notes) say(note);
    const Evaluation evaluated = evaluate_finite("the techniques that follow training");
    if (evaluated.samples.size() + evaluated.unreadable < data_.validation->size()) return false;
    now_.last = evaluated;
    if (folder().wanted()) save_weights(*model_, folder().path("last.safetensors"), metadata(o_.epochs));
    return true;
  }

  void finish() {
    for (const auto& [set, what] :
         {std::pair(data_.training.get(), "training"), std::pair(data_.validation.get(), "validation")}) {
      const std::string notice = unreadable_notice(*set, what);
      if (!notice.empty()) say(notice);
    }
    const std::vector<std::string> fallbacks = backend_.fallbacks();
    if (!fallbacks.empty()) say(text("Slow: ", fallbacks.size(), " operations without a fast path; ", fallbacks[0]));
    std::cout << report(now_.last.counts, data_.classes(), decision_.positive) << std::flush;
    if (folder().wanted()) {
      write_file(folder().path("predictions.csv"), predictions_csv(*data_.validation, now_.last, decision_.positive));
      write_file(folder().path("result.json"), result_json());
      folder().finish();
    }
  }

  std::string result_json() const {
    nlohmann::ordered_json json = to_json(scores(*data_.validation, now_.last, decision_), decision_.cut);
    json["positive"] = o_.positive;
    json["classes"] = data_.classes();
    json["best_epoch"] = now_.best_epoch;
    json["best_f1"] = now_.best_f1;
    json["steps"] = now_.steps;
    for (size_t k = 0; k < data_.counts.size(); ++k) json["training_images"][data_.classes()[k]] = data_.counts[k];
    for (size_t k = 0; k < data_.class_weights.size(); ++k)
      json["class_weights"][data_.classes()[k]] = data_.class_weights[k];
    json["unreadable"] = nlohmann::json::array();
    for (const ImageDataset* set : {data_.training.get(), data_.validation.get()}) {
      for (const auto& [sample, reason] : set->unreadable()) json["unreadable"].push_back(reason);
    }
    json["options"] = to_json(o_);
    return json_text(json);
  }

  Options o_;
  Backend& backend_;
  TrainingData data_;
  DataLoader loader_, validation_loader_;
  const int64_t total_steps_;
  Progress progress_;
  Decision decision_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Loss> loss_;
  std::unique_ptr<RunLog> log_;
  std::optional<Ema> ema_;
  Standing now_;
  bool complete_ = false;  // all epochs, or steps, are done and evaluated
};

}  // namespace

Exit train(Options options) {
  set_cpu_threads(options.threads);
  Training training(std::move(options));
  try {
    return training.run();
  } catch (const Error& error) {
    if (exit_code(error.kind()) != Exit::device && error.kind() != ErrorKind::diverged) throw;
    throw Error(error.kind(), error.what() + training.what_is_saved());
  }
}

}  // namespace counterpoise
