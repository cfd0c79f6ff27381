#include "apps/trainer/train.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/trainer/autobalance.h"
#include "apps/trainer/config.h"
#include "apps/trainer/conv_init.h"
#include "apps/trainer/count_bars.h"
#include "apps/trainer/device.h"
#include "apps/trainer/format.h"
#include "apps/trainer/pretraining.h"
#include "apps/trainer/prior_bias.h"
#include "apps/trainer/training.h"
#include "core/io/file.h"
#include "core/io/safetensors.h"
#include "kernels/cpu/parallel.h"
#include "kernels/version.h"
#include "kernels/warning.h"
#include "layers/summary.h"
#include "layers/weights.h"

namespace counterpoise {

// Whether the interrupted run that is continued was in AutoBalance's search.
static bool is_in_search(const RunStart& start) {
  return checkpoint_notes(start.unfinished + "/" + checkpoint_name).contains("search");
}

Training::Training(Options options)
    : o_(std::move(options)),
      backend_(choose_backend(o_.device, o_.precision, {false, o_.deterministic, o_.compile, o_.step_graphs})),
      data_(o_),
      loader_(*data_.training, data_.training_loader(o_, backend_)),
      validation_loader_(*data_.validation, evaluation_loader(o_, backend_)),
      total_steps_(loader_.count_batches(static_cast<uint64_t>(o_.epochs),
                                         o_.max_steps ? o_.max_steps : std::numeric_limits<int64_t>::max())),
      progress_(total_steps_),
      shares_(data_.classes().size()) {
  if (o_.threads == 0) o_.threads = cpu_threads();
  start_ = start_run(o_);
  if (start_.is_complete) return;
  decision_ = plain_decision();
  if (!o_.init.empty()) check_initial_weights(o_);
  model_ = make_model(o_.model, backend_, o_.seed);
  if (o_.conv_init == "glorot") glorot_convolutions(*model_, o_.seed);
  const std::vector<size_t> first_epoch = loader_.order(1);
  const bool whole_epoch = total_steps_ >= static_cast<int64_t>(loader_.batches_in(first_epoch));
  if (!o_.freeze && whole_epoch) check_batches(o_, first_epoch.size());
  set_warning_handler([this](const std::string& warning) { say("Warning: " + warning); });
  make_loss();
  if (o_.prior_bias) set_prior_bias(*model_, data_, o_, *loss_);
  if (!o_.init.empty()) {
    load_weights(*model_, o_.init);
    restore_loss(SafetensorsFile(o_.init).metadata());
  }
  // (A run that is resumed has all weights in its checkpoint, and does not need the file; but in AutoBalance's search
  // the checkpoint has those of the search, and the training has not begun.)
  const bool loads = !o_.pretrained.empty() && (start_.unfinished.empty() || is_in_search(start_));
  const LoadedWeights pretraining = loads ? load_pretrained(*model_, o_, data_.classes()) : LoadedWeights();
  head_is_new_ = o_.init.empty() && !pretraining.with_head;
  optimizer_.emplace(make_optimizer(o_.optimizer, model_->trainable(), optimizer_params(o_)));
  if (o_.body_lr != 1) optimizer_->set_lr_factors(lr_factors(*model_, o_));
  if (o_.schedule_name == "plateau") {
    PlateauOptions plateau;
    plateau.maximize = is_better(o_.monitor, 1, 0);
    plateau.factor = o_.schedule.step_gamma;
    plateau.patience = o_.lr_patience;
    plateau_.emplace(plateau);
  }
  if (o_.ema > 0) ema_.emplace(averaged(), o_.ema);
  if (search_epochs(o_) > 0) search_ = std::make_unique<AutoBalanceSearch>(o_, data_, backend_, *model_, *loss_);
  data_.check_readable();
  announce();
  if (loads) say(pretraining.note);
  make_run_folder(start_, o_);
  log_ = std::make_unique<RunLog>(start_, data_.classes());
  if (folder().wanted()) {
    say(text("Run folder: ", start_.directory,
             replaces_result(start_) ? "; the result that is there will be replaced when this run ends" : ""));
  }
  if (!start_.unfinished.empty()) resume();
  else begin();
}

Training::~Training() { set_warning_handler({}); }

std::string Training::what_is_saved() const {
  if (!log_ || !folder().wanted() || now_.best_epoch == 0) return "";
  return text("; the weights of epoch ", now_.saved_epoch, " are in ", folder().path("last.safetensors"));
}

Exit Training::run() {
  if (start_.is_complete) {
    say("The run in " + start_.directory + " is complete: there is nothing to resume.");
    return Exit::ok;
  }
  if (!now_.complete && !search()) return stopped_in_search();
  if (!now_.complete) train();
  if (ema_) ema_->swap();  // what is evaluated and saved from here on
  if (!now_.complete) return stopped();
  return finish();
}

void Training::make_loss() {
  LossOptions options;
  options.counts = data_.counts;
  options.class_weights = data_.class_weights;
  if (!o_.loss->is(LossInfo::batch_level) || o_.given.count("--loss-reduction")) options.reduction = o_.reduction;
  options.defer_weights = o_.defer_weights;
  options.seed = static_cast<uint64_t>(o_.seed);
  loss_ = std::make_unique<Loss>(o_.loss_spec, options);
  loss_->train(true);
}

void Training::restore_loss(const std::map<std::string, std::string>& metadata) {
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

void Training::announce() {
  const auto& classes = data_.classes();
  if (o_.keras) {
    for (const std::string& line : data_.keras_lines()) say(line);
  }
  say(data_.description());
  std::istringstream bars(count_bars(classes, data_.counts, sampled_counts(loader_)));
  for (std::string line; std::getline(bars, line);) say(line);
  for (const ImageDataset* set : {data_.validation.get(), data_.test.get()}) {
    if (!set) continue;
    std::vector<std::string> missing;
    std::vector<int64_t> images = set->counts();
    for (const auto& entry : set->unreadable()) --images[set->label(entry.first)];
    for (size_t c = 0; c < classes.size(); ++c) {
      if (images[c] == 0) missing.push_back(classes[c]);
    }
    if (missing.empty()) continue;
    const bool test = set == data_.test.get();
    say(text(
        "Warning: there are no ", set->unreadable().empty() ? "" : "readable ", test ? "test" : "validation",
        " images of ", shortened(join(missing)),
        test ? ": the result says nothing about them" : ": epochs cannot be compared by how well these are found"));
  }
  say(text("Network: ", o_.model.name, ", width ", o_.model.width, ", ", o_.image_size, "x", o_.image_size, " images, ",
           with_commas(model_->parameter_count()), " parameters; on ", machine_text()));
  std::string loss = "Loss: " + o_.loss->name;
  for (const LossParam& param : o_.loss->params) {
    if (!o_.loss_spec.applies(param)) continue;
    const double value = o_.loss_spec[param.name];
    const bool is_word = param.is_word(value);
    loss += text(", ", param.name, " ", is_word ? param.word : text(value));
    // The weight of the positive class; the parameters that other losses call alpha are something else.
    if (param.name == "alpha" && param.forms == LossParam::binary && !is_word)
      loss += text(" for ", o_.positive, " and ", 1 - value, " for ", classes[1 - decision_.positive]);
  }
  for (size_t c = 0; c < data_.class_weights.size(); ++c)
    loss += text(c ? ", " : "; class weights: ", classes[c], " ", data_.class_weights[c]);
  say(loss + text("; ", o_.optimizer, ", learning rate ", o_.schedule.lr, " (", o_.schedule_name, ")"));
}

std::string Training::machine_text() const {
  if (backend_.is_remote()) return text(backend_.name(), " in ", o_.precision, ": ", backend_.description());
  return text(backend_.name(), " with ", plural(o_.threads, "thread"));
}

void Training::begin() {
  if (!folder().wanted()) return;
  write_file(folder().path("config.json"), config_text(o_));
  if (!data_.split.empty()) write_file(folder().path("split.csv"), data_.split);
  log_->event("begin", {{"options", to_json(o_)}, {"machine", machine_text()}, {"version", COUNTERPOISE_VERSION}});
}

// The parameters and the buffers.
static std::vector<Var> variables(const Module& module) {
  std::vector<Var> all;
  for (const Parameter& p : module.parameters()) all.push_back(p.var);
  return all;
}

// With --freeze the head alone: rounding would change averages of what stays as it is.
std::vector<Var> Training::averaged() const { return variables(o_.freeze ? model_->head() : *model_); }

void Training::save_checkpoint(const LoopPosition& position) {
  if (!folder().wanted()) return;
  log_->save();  // before it, so that the tables never have fewer rows than it says
  const std::string path = folder().path(checkpoint_name);
  if (search_) search_->save(path, position, standing());
  else counterpoise::save_checkpoint(path, state(), position, standing());
  last_checkpoint_ = Clock::now();
}

void Training::save_first_checkpoint() {
  if (folder().wanted() && !is_there(folder().path(checkpoint_name))) save_checkpoint(position_);
}

nlohmann::json Training::standing() const {
  nlohmann::json notes = {{"epochs", now_.epochs},
                          {"best_epoch", now_.best_epoch},
                          {"best_value", now_.best_value},
                          {"saved_epoch", now_.saved_epoch},
                          {"complete", now_.complete},
                          {"shares", shares_.state()},
                          {"unreadable", unreadable_notes()},
                          {"images", data_.fingerprint}};
  if (plateau_) {
    const Plateau::State& s = plateau_->state();
    notes["plateau"] = {s.best, s.scale, s.bad_epochs, s.cooldown};
    if (!std::isfinite(s.best)) notes["plateau"][0] = nullptr;  // no metric was defined so far; JSON has no infinity
  }
  return notes;
}

nlohmann::json Training::unreadable_notes() const {
  nlohmann::json notes;
  for (const ImageDataset* set : {data_.training.get(), data_.validation.get()}) {
    notes.push_back(nlohmann::json::array());
    for (const auto& [sample, reason] : set->unreadable()) notes.back().push_back({sample, reason});
  }
  return notes;
}

void Training::resume() {
  const std::string path = folder().path(checkpoint_name);
  const nlohmann::json notes = checkpoint_notes(path);
  bool same_images = true;
  try {
    const nlohmann::json images = notes.value("images", nlohmann::json(data_.fingerprint));
    const bool earlier = images.is_number();
    if (earlier)
      say("Warning: the checkpoint is of an earlier version, so that it is not checked that its images are these");
    same_images = earlier || images.get<std::string>() == data_.fingerprint;
    now_.epochs = notes.at("epochs").get<int>();
    now_.best_epoch = notes.at("best_epoch").get<int>();
    now_.best_value = notes.at("best_value").is_null() ? NAN : notes.at("best_value").get<double>();
    now_.saved_epoch = notes.at("saved_epoch").get<int>();
    now_.complete = notes.at("complete").get<bool>();
    if (plateau_ && notes.contains("plateau")) {
      const nlohmann::json& s = notes.at("plateau");
      const double best = s.at(0).is_null() ? plateau_->state().best : s.at(0).get<double>();
      plateau_->load({best, s.at(1).get<double>(), s.at(2).get<int64_t>(), s.at(3).get<int64_t>()});
    }
    shares_.restore(notes.at("shares").get<std::vector<double>>());
    const ImageDataset* sets[] = {data_.training.get(), data_.validation.get()};
    for (size_t i = 0; i < 2; ++i) {
      for (const auto& note : notes.at("unreadable").at(i)) {
        sets[i]->note_unreadable(note.at(0).get<size_t>(), note.at(1).get<std::string>());
      }
    }
  } catch (const nlohmann::json::exception&) {
    throw damaged_checkpoint(path);
  }
  CP_ENSURE_AS(bad_data, same_images, o_.data, ": the images or their splits are not those that the run in ",
               start_.directory,
               " began with, so that it might be judged by images that it has seen: begin another run");
  const std::string config = folder().path("config.json");
  const bool moved = !difference(read_config(config), to_json(o_)).empty();
  if (moved) write_file(config, config_text(o_));
  if (now_.best_epoch > 0) {
    const std::string best = folder().path("best.safetensors");
    InputFile{best};  // throws what fits: that it is missing, or may not be read
    try {
      load_weights(*model_, best);
      // The end of the run was reached before: the weights of the result are saved there already.
      tau_normalized_ = data_.test && SafetensorsFile(best).metadata().count("tau_norm");
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::bad_data) throw;
      throw damaged_checkpoint(best);
    }
    best_weights_ = copy_weights();
  }
  if (search_ && notes.contains("search")) {
    search_->resume(path);
    say(text("Resumed AutoBalance's search after step ", search_->steps(), " of ", search_->total_steps()));
  } else {
    search_.reset();
    position_ = load_checkpoint(path, state());
  }
  now_.steps = position_.steps;
  log_->continue_at(now_.steps, now_.epochs);
  progress_.start_at(now_.steps);
  if (!search_) say(text("Resumed after step ", now_.steps, " of ", total_steps_));
  log_->event("resume", {{"step", now_.steps}, {"machine", machine_text()}, {"version", COUNTERPOISE_VERSION}});
}

std::vector<Tensor> Training::copy_weights() const {
  std::vector<Tensor> copies;
  for (const Var& v : variables(*model_)) copies.push_back(v.value().clone());
  return copies;
}

void Training::set_weights(const std::vector<Tensor>& weights) {
  std::vector<Var> all = variables(*model_);
  for (size_t i = 0; i < all.size(); ++i) all[i].set_value(weights[i].clone());
}

Exit train(Options options) {
  set_cpu_threads(options.threads);
  Training training(std::move(options));
  try {
    return training.run();
  } catch (const Error& error) {
    const Exit code = exit_code(error.kind());
    if (code != Exit::device && code != Exit::diverged && code != Exit::bad_data) throw;
    throw Error(error.kind(), error.what() + training.what_is_saved());
  }
}

}  // namespace counterpoise
