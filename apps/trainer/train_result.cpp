#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/report/report.h"
#include "apps/trainer/after_training.h"
#include "apps/trainer/autobalance.h"
#include "apps/trainer/format.h"
#include "apps/trainer/stop_signal.h"
#include "apps/trainer/training.h"
#include "core/io/file.h"
#include "layers/linear.h"

namespace counterpoise {

Exit Training::stopped() {
  save("last.safetensors", last_epoch_);
  say(text("Stopped by a signal after step ", now_.steps, ".",
           folder().wanted()
               ? text(" The weights so far are in ", folder().path("last.safetensors"), "; ", how_to_resume())
               : ""));
  return static_cast<Exit>(128 + stop_signal());
}

Exit Training::stopped_after_training() {
  say(text("Stopped by a signal after the last epoch, before the result.",
           folder().wanted() ? text(" ", folder().path("last.safetensors"), " holds the weights of epoch ",
                                    now_.saved_epoch, "; ", how_to_resume())
                             : ""));
  return static_cast<Exit>(128 + stop_signal());
}

Exit Training::finish() {
  const bool tested = data_.test != nullptr;
  TrainingResult result;
  result.split = tested ? "test" : "validation";
  result.epoch = tested ? now_.best_epoch : now_.epochs;
  result.best_epoch = now_.best_epoch, result.best_value = now_.best_value;
  result.steps = now_.steps;
  if (tested) set_weights(best_weights_);
  if (!retrain() || !choose_decision()) return stopped_after_training();
  for (const std::string& note : notes_) say(note);
  result.threshold_by = threshold_by_;
  const Evaluation validation = evaluate_finite(validation_loader_, "the techniques that follow training");
  result.on = validation;
  if (tested && validation.complete) {
    DataLoader loader(*data_.test, evaluation_loader(o_, backend_));
    result.on = evaluate_finite(loader, "the techniques that follow training");
  }
  if (!result.on.complete) return stopped_after_training();
  save(tested ? "best.safetensors" : "last.safetensors", result.epoch);
  if (!tested && !finish_best(result.epoch)) return stopped_after_training();
  tell(result, validation);
  return Exit::ok;
}

bool Training::retrain() {
  const auto start = Clock::now();
  if (o_.crt_epochs > 0) {
    const double loss = retrain_classifier(*model_, data_, o_, backend_);
    if (stop_signal()) return false;
    say(text("Classifier re-trained for ", plural(o_.crt_epochs, "epoch"), formatted(": loss %.4f", loss), "  (",
             clock_text(seconds_since(start)), ")"));
  }
  if (o_.tau_norm > 0 && (o_.crt_epochs > 0 || !tau_normalized_)) tau_normalize(model_->head(), o_.tau_norm);
  tau_normalized_ = o_.tau_norm > 0;
  return true;
}

Decision Training::plain_decision() const {
  Decision plain;
  plain.positive = data_.positive;
  plain.origin = o_.loss->defaults.threshold;
  plain.temperature = 1 / o_.loss_spec.logit_scale();
  return plain;
}

bool Training::choose_decision() {
  decision_ = plain_decision();
  notes_.clear();
  if (!wants_post_training(o_)) return !stop_signal();
  Evaluation on;
  on.classes = data_.classes();
  if (needs_tuning(o_)) {
    std::optional<DataLoader> held_out;
    if (!data_.test) held_out.emplace(*data_.training, evaluation_loader(o_, backend_, data_.held_out));
    on = evaluate(*model_, held_out ? *held_out : validation_loader_, decision_);
  }
  if (stop_signal()) return false;
  const bool chosen = tune(decision_, o_, data_.counts, on, tuning_images(), notes_);
  threshold_by_ = chosen ? text(to_string(threshold_rule(o_)), " on ", tuning_images(), " images") : "";
  return true;
}

bool Training::finish_best(int epoch) {
  if (now_.best_epoch == epoch) {
    save("best.safetensors", epoch);
  } else if (wants_post_training(o_) && o_.crt_epochs == 0 && o_.tau_norm == 0) {
    set_weights(best_weights_);
    if (!choose_decision()) return false;
    save("best.safetensors", now_.best_epoch);
  }
  return true;
}

// The result is complete without it, so an error in the report does not end the run.
void Training::write_report() {
  try {
    write_file(folder().path("report.html"), report_html({folder().work()}));
  } catch (const Error& error) {
    say(text("Warning: there is no report.html: ", error.what()));
  }
}

void Training::tell(const TrainingResult& result, const Evaluation& validation) {
  for (const auto& [set, what] :
       {std::pair(data_.training.get(), "training"), std::pair(data_.validation.get(), "validation"),
        std::pair(data_.test.get(), "test")}) {
    const std::string notice = set ? unreadable_notice(*set, what) : "";
    if (!notice.empty()) say(notice);
  }
  const std::vector<std::string> fallbacks = backend_.fallbacks();
  if (!fallbacks.empty()) say(text("Slow: ", fallbacks.size(), " operations without a fast path; ", fallbacks[0]));
  if (folder().wanted()) {
    if (data_.test) {
      write_file(folder().path("predictions.csv"), predictions_csv(*data_.test, result.on));
      write_file(folder().path("predictions-validation.csv"), predictions_csv(*data_.validation, validation));
    } else {
      write_file(folder().path("predictions.csv"), predictions_csv(*data_.validation, result.on));
    }
    nlohmann::ordered_json json = result_json(result, o_, data_);
    if (o_.loss->name == "autobalance" && !loss_->state().empty()) {
      json["autobalance"] = autobalance_json(loss_->state(), data_);
    }
    write_file(folder().path("result.json"), json_text(json));
    write_report();
    log_->event("end", {{"epoch", result.epoch}, {"split", result.split}});
    folder().finish();
  }
  std::cout << result_text(result, o_, data_) << std::flush;
  if (folder().wanted()) say("Results: " + start_.directory + "; open report.html there in a browser");
}

}  // namespace counterpoise
