#include "apps/trainer/train.h"

#include <chrono>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/trainer/after_training.h"
#include "apps/trainer/batches.h"
#include "apps/trainer/evaluate.h"
#include "apps/trainer/format.h"
#include "apps/trainer/progress.h"
#include "apps/trainer/run_folder.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/file.h"
#include "core/io/safetensors.h"
#include "data/feed.h"
#include "data/images/image_folder.h"
#include "kernels/cpu/parallel.h"
#include "layers/linear.h"
#include "layers/summary.h"
#include "layers/weights.h"
#include "losses/class_weights.h"
#include "losses/loss.h"
#include "optim/optimizer.h"

namespace counterpoise {

namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// One experiment, step by step.
class Training {
 public:
  explicit Training(Options options)
      : o_(std::move(options)), backend_(choose_backend(o_.device, o_.precision, o_.deterministic)) {
    open_images();
    feed_ = std::make_unique<Feed>(*set_, backend_, activation_dtype(o_.precision));
    validation_feed_ = std::make_unique<Feed>(*validation_, backend_, activation_dtype(o_.precision));
    model_ = make_model(o_.model, backend_, o_.seed);
    make_loss();
    if (!o_.init.empty()) {
      load_weights(*model_, o_.init);
      restore_loss(SafetensorsFile(o_.init).metadata());
    }
    trainable_ = model_->trainable();
    optimizer_ = std::make_unique<Optimizer>(make_optimizer(o_.optimizer, trainable_, optimizer_params(o_)));
    steps_per_epoch_ = steps_in(order_of(1));
    int64_t all = 0;  // epochs of --sampler repeat-factor differ in length
    for (int epoch = 1; epoch <= o_.epochs; ++epoch) all += static_cast<int64_t>(steps_in(order_of(epoch)));
    total_steps_ = o_.max_steps ? std::min(all, o_.max_steps) : all;
    progress_ = std::make_unique<Progress>(total_steps_);
    announce();
    if (!o_.output.empty()) folder_ = RunFolder(o_.output);
    save_tables();  // a folder that cannot be written to is an error now, not after the first epoch
  }

  // For whom the run ends without having been asked to.
  std::string what_is_saved() const {
    if (!folder_.wanted() || best_epoch_ == 0) return "";
    return text("; the weights of epoch ", saved_epoch_, " are in ", folder_.path("last.safetensors"));
  }

  Exit run() {
    for (int epoch = 1; epoch <= o_.epochs && step_ < total_steps_; ++epoch) {
      const auto start = std::chrono::steady_clock::now();
      const double loss = train_epoch(epoch);
      const bool evaluated = !stop_signal() && evaluate_epoch(epoch, loss, start);
      const bool complete = evaluated && (epoch == o_.epochs || step_ == total_steps_);
      if (stop_signal() && !complete) return stopped(epoch);
    }
    if (wants_post_training(o_)) {
      apply_techniques();
      if (stop_signal()) return stopped(o_.epochs);
    }
    finish();
    return Exit::ok;
  }

 private:
  void say(const std::string& text) { progress_->say(text); }

  void open_images() {
    std::vector<int64_t> wanted;
    if (o_.data.empty()) {
      if (o_.count.empty()) o_.count = "cat=400,dog=4400";
      wanted = {400, 4400};
      const auto counts = with_flag("--count", [&] { return parse_per_class(o_.count, {"cat", "dog"}, -1); });
      for (size_t c = 0; c < counts.size(); ++c) wanted[c] = counts[c] < 0 ? wanted[c] : whole(counts[c]);
      set_ = std::make_unique<SyntheticImages>(wanted, o_.image_size, o_.seed);
    } else {
      set_ = std::make_unique<ImageFolder>(split_directory(o_.data, {"train"}), o_.image_size);
      wanted.assign(set_->classes().size(), -1);
      if (!o_.count.empty()) {
        const auto counts = with_flag("--count", [&] { return parse_per_class(o_.count, set_->classes(), -1); });
        for (size_t c = 0; c < counts.size(); ++c) wanted[c] = counts[c] < 0 ? -1 : whole(counts[c]);
      }
    }
    validation_ = validation_images(o_.data, o_.image_size);
    CP_ENSURE_AS(bad_data, set_->classes() == validation_->classes(), o_.data,
                 ": the training and the validation images have different classes");
    decision_.positive = choose_positive(o_.positive, set_->classes());
    decision_.origin = o_.loss->defaults.threshold;
    if (std::isdigit(static_cast<unsigned char>(o_.threshold[0]))) cut_of(o_.threshold, decision_);  // or an error, now
    o_.positive = set_->classes()[decision_.positive];
    chosen_ = choose(*set_, wanted, !o_.shuffle, o_.seed);
    CP_ENSURE_AS(invalid_argument, !chosen_.empty(), "--count leaves no image to train on");
    if (o_.hold_out > 0) hold_out();
    counts_.assign(set_->classes().size(), 0);
    for (size_t i : chosen_) ++counts_[set_->samples()[i].label];
    weights_ =
        with_flag("--class-weights", [&] { return parse_class_weights(o_.class_weights, set_->classes(), counts_); });
  }

  // Puts a part of each class aside. They were drawn in a random order, so the last ones are as good as any.
  void hold_out() {
    std::vector<std::vector<size_t>> by_class(set_->classes().size());
    for (size_t i : chosen_) by_class[set_->samples()[i].label].push_back(i);
    chosen_.clear();
    for (size_t c = 0; c < by_class.size(); ++c) {
      const size_t kept = by_class[c].size() - static_cast<size_t>(std::ceil(o_.hold_out * double(by_class[c].size())));
      CP_ENSURE_AS(bad_data, kept > 0 && kept < by_class[c].size(), "--hold-out ", o_.hold_out, ": class ",
                   set_->classes()[c], " has ", by_class[c].size(), " training images, too few to put some aside");
      chosen_.insert(chosen_.end(), by_class[c].begin(), by_class[c].begin() + static_cast<std::ptrdiff_t>(kept));
      held_out_.insert(held_out_.end(), by_class[c].begin() + static_cast<std::ptrdiff_t>(kept), by_class[c].end());
    }
  }

  void make_loss() {
    LossOptions options;
    options.counts = counts_;
    options.class_weights = weights_;
    if (!o_.loss->is(LossInfo::batch_level) || o_.given.count("--loss-reduction")) options.reduction = o_.reduction;
    options.defer_weights = o_.defer_weights;
    options.seed = static_cast<uint64_t>(o_.seed);
    loss_ = std::make_unique<Loss>(o_.loss_spec, options);
    loss_->train(true);
  }

  // What the loss remembers goes on where the weights' run left it, if that run had the same loss.
  void restore_loss(const std::map<std::string, std::string>& metadata) {
    const auto name = metadata.find("loss"), state = metadata.find("loss_state");
    if (name == metadata.end() || state == metadata.end() || name->second != o_.loss->name) return;
    try {
      loss_->restore(nlohmann::json::parse(state->second).get<LossState>());
    } catch (const nlohmann::json::exception&) {
      throw Error(ErrorKind::bad_data, o_.init + ": its loss_state is damaged");
    }
  }

  size_t steps_in(const std::vector<size_t>& order) const {
    return (order.size() + static_cast<size_t>(o_.batch_size) - 1) / static_cast<size_t>(o_.batch_size);
  }

  // The images of an epoch, in order. Only chosen ones: the sampler sees no others.
  std::vector<size_t> order_of(int epoch) const {
    if (!o_.shuffle) return interleave(*set_, chosen_);
    std::vector<int32_t> classes;
    for (size_t i : chosen_) classes.push_back(set_->samples()[i].label);
    return find_sampler(o_.sampler)
        .order(chosen_, classes,
               {static_cast<uint64_t>(o_.seed), static_cast<uint64_t>(epoch), static_cast<uint64_t>(o_.epochs),
                o_.batch_size});
  }

  static int64_t whole(double n) {
    CP_ENSURE_AS(invalid_argument, n == std::floor(n), "--count: ", n, " is no whole number of images");
    CP_ENSURE_AS(invalid_argument, n <= 1e7, "--count: ", n,
                 " images of a class are more than the ten million allowed");
    return static_cast<int64_t>(n);
  }

  void announce() {
    const auto& classes = set_->classes();
    if (o_.threads == 0) o_.threads = cpu_threads();
    say(text("Found ", set_->size(), " files belonging to ", classes.size(), " classes."));
    std::string counts;
    for (size_t c = 0; c < classes.size(); ++c) counts += text(c ? ", " : "", counts_[c], " ", classes[c]);
    if (!held_out_.empty()) counts += text(", with ", held_out_.size(), " more held out");
    say(text("Training on ", counts, "; validating on ", validation_->size(), "; positive class: ", o_.positive));
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
    for (size_t c = 0; c < weights_.size(); ++c)
      loss += text(c ? ", " : "; class weights: ", classes[c], " ", weights_[c]);
    say(loss + text("; ", o_.optimizer, ", learning rate ", o_.schedule.lr, " (", o_.schedule_name, ")"));
  }

  std::string machine_text() const {
    if (backend_.is_remote()) return text(backend_.name(), " in ", o_.precision, ": ", backend_.description());
    return text(backend_.name(), " with ", o_.threads, o_.threads == 1 ? " thread" : " threads");
  }

  // Returns the mean loss of the epoch's images.
  double train_epoch(int epoch) {
    Batches batches(*feed_, order_of(epoch), o_, epoch, counts_);
    double sum = 0;
    size_t images = 0;
    PreparedBatch now, next;
    auto start = std::chrono::steady_clock::now();
    for (bool more = batches.next(step_, next); more && step_ < total_steps_ && !stop_signal();) {
      now = std::move(next);
      const double lr = o_.schedule.at(static_cast<double>(step_) / static_cast<double>(steps_per_epoch_),
                                       std::min<double>(o_.epochs, double(total_steps_) / double(steps_per_epoch_)));
      const double loss =
          train_step(now, lr, epoch, [&] { more = step_ + 1 < total_steps_ && batches.next(step_ + 1, next); });
      const size_t N = now.labels.size();
      sum += loss * static_cast<double>(N);
      images += N;
      steps_csv_ += formatted("%lld,%d,%.9g,%.9g\n", static_cast<long long>(step_), epoch, loss, lr);
      timing_csv_ +=
          formatted("%lld,%.6f,%.6f\n", static_cast<long long>(step_), seconds_since(start), now.data_seconds);
      start = std::chrono::steady_clock::now();
      progress_->step(text("epoch ", epoch, "/", o_.epochs), step_, N, loss);
    }
    CP_ENSURE_AS(bad_data, images > 0 || stop_signal(), "none of the ", chosen_.size(),
                 " training images can be read; the first: ",
                 set_->unreadable().empty() ? "" : set_->unreadable().begin()->second);
    return images ? sum / static_cast<double>(images) : 0;
  }

  // A step; returns its loss. Only the numbers that are checked before the weights move are waited for: while a remote
  // backend still computes them, `meanwhile` prepares the next batch.
  template <class Meanwhile>
  double train_step(const PreparedBatch& now, double lr, int epoch, const Meanwhile& meanwhile) {
    loss_->set_progress(static_cast<double>(step_) / static_cast<double>(total_steps_));
    const Var features = model_->features(now.pixels);
    if (o_.loss->name == "influence-balanced") {
      loss_->set_feature_norms(row_sum(abs(cast(detach(features), DType::f32))).value());
    }
    const Var z = cast(model_->head()(features), DType::f32);
    const Labels labels = make_labels(backend_, now.labels, decision_.positive);
    const auto& mixed = now.mixed;
    const Var loss =
        mixed ? loss_->mixed(z, labels, make_labels(backend_, mixed->other, decision_.positive), mixed->own_weight)
              : (*loss_)(z, labels);
    loss.backward();
    meanwhile();
    const double value = loss.value().item();
    ++step_;
    check_finite(value, "loss", epoch, lr);
    std::vector<ConstView> gradients;
    for (const Var& p : trainable_) {
      if (p.grad().defined()) gradients.push_back(p.grad());
    }
    check_finite(backend_.sum_squares(gradients), "gradient", epoch, lr);
    optimizer_->step(lr);
    return value;
  }

  void check_finite(double value, const char* what, int epoch, double lr) const {
    if (std::isfinite(value)) return;
    save_tables();  // they show how it came to this
    throw Error(ErrorKind::diverged, "training diverged: the ", what, " is ", std::isnan(value) ? "NaN" : "infinite",
                " at step ", step_, " (epoch ", epoch, ", learning rate ", lr, "); try a smaller --lr",
                folder_.wanted() ? "; its steps are in " + folder_.path("steps.csv") : "");
  }

  // False if a stop signal came in meanwhile.
  bool evaluate_epoch(int epoch, double loss, std::chrono::steady_clock::time_point start) {
    last_ = evaluate(*model_, *validation_feed_, decision_, o_.batch_size, o_.workers);
    if (last_.samples.size() + last_.unreadable < validation_->size()) return false;
    const Confusion& c = last_.counts;
    say(formatted("epoch %d/%d  loss %.4f  validation: accuracy %.4f  precision %.4f  recall %.4f  F1 %.4f  (%s)",
                  epoch, o_.epochs, loss, c.accuracy(), c.precision(), c.recall(), c.f1(),
                  clock_text(seconds_since(start)).c_str()));
    epochs_csv_ +=
        formatted("%d,%.9g,%.9g,%.9g,%.9g,%.9g,%lld,%lld,%lld,%lld,%.3f\n", epoch, loss, c.accuracy(), c.precision(),
                  c.recall(), c.f1(), static_cast<long long>(c.tp), static_cast<long long>(c.fp),
                  static_cast<long long>(c.fn), static_cast<long long>(c.tn), seconds_since(start));
    const bool best = best_epoch_ == 0 || c.f1() > best_f1_;
    if (best) best_epoch_ = epoch, best_f1_ = c.f1();
    if (folder_.wanted()) {
      save_tables();
      save_weights(*model_, folder_.path("last.safetensors"), metadata(epoch));
      if (best) save_weights(*model_, folder_.path("best.safetensors"), metadata(epoch));
      saved_epoch_ = epoch;
    }
    return true;
  }

  // All that another program needs to use the weights.
  std::map<std::string, std::string> metadata(int epoch) const {
    std::map<std::string, std::string> all = counterpoise::metadata(o_.model);
    all.insert({{"format", "pt"},
                {"framework", "counterpoise"},
                {"threshold", formatted("%.17g", decision_.origin)},
                {"temperature", formatted("%.17g", decision_.temperature)},
                {"logit_shift", formatted("%.17g", decision_.shift)},
                {"cut", formatted("%.17g", decision_.cut)},
                {"training_images", nlohmann::json(counts_).dump()},
                {"loss", o_.loss->name},
                {"loss_state", nlohmann::json(loss_->state()).dump()},
                {"classes", nlohmann::json(set_->classes()).dump()},
                {"positive", o_.positive},
                {"scaling", "x / 127.5 - 1"},
                {"epoch", text(epoch)}});
    return all;
  }

  void save_tables() const {
    if (!folder_.wanted()) return;
    write_file(folder_.path("steps.csv"), "step,epoch,loss,lr\n" + steps_csv_);
    write_file(folder_.path("timing.csv"), "step,seconds,data_seconds\n" + timing_csv_);
    write_file(folder_.path("epochs.csv"),
               "epoch,loss,accuracy,precision,recall,f1,tp,fp,fn,tn,seconds\n" + epochs_csv_);
  }

  Exit stopped(int epoch) {
    if (folder_.wanted()) {
      save_tables();
      save_weights(*model_, folder_.path("last.safetensors"), metadata(epoch));
    }
    say(text("Stopped by a signal after step ", step_, ".",
             folder_.wanted() ? " The weights so far are in " + folder_.path("last.safetensors") : ""));
    return static_cast<Exit>(128 + stop_signal());
  }

  // What is to be done with the trained network; the result is evaluated and saved as the last weights.
  void apply_techniques() {
    const auto start = std::chrono::steady_clock::now();
    if (o_.crt_epochs > 0) {
      const double loss = retrain_classifier(*model_, *feed_, chosen_, o_, decision_.positive);
      say(formatted("Classifier re-trained for %d epochs: loss %.4f  (%s)", o_.crt_epochs, loss,
                    clock_text(seconds_since(start)).c_str()));
    }
    if (o_.tau_norm > 0) tau_normalize(model_->head(), o_.tau_norm);
    Evaluation held_out;
    if (!held_out_.empty() && !stop_signal()) {
      held_out = evaluate(*model_, *feed_, held_out_, decision_, o_.batch_size, o_.workers);
    }
    if (stop_signal()) return;
    std::vector<std::string> notes;
    tune(decision_, o_, counts_, held_out.logits, is_positive(*set_, held_out, decision_.positive), notes);
    for (const std::string& note : notes) say(note);
    last_ = evaluate(*model_, *validation_feed_, decision_, o_.batch_size, o_.workers);
    if (folder_.wanted()) save_weights(*model_, folder_.path("last.safetensors"), metadata(o_.epochs));
  }

  void finish() {
    for (const auto& [set, what] : {std::pair(set_.get(), "training"), std::pair(validation_.get(), "validation")}) {
      const std::string notice = unreadable_notice(*set, what);
      if (!notice.empty()) say(notice);
    }
    std::cout << report(last_.counts, set_->classes(), decision_.positive) << std::flush;
    if (folder_.wanted()) {
      write_file(folder_.path("predictions.csv"), predictions_csv(*validation_, last_, decision_.positive));
      write_file(folder_.path("result.json"), result_json());
      folder_.finish();
    }
  }

  std::string result_json() const {
    nlohmann::ordered_json json = to_json(scores(*validation_, last_, decision_), decision_.cut);
    json["positive"] = o_.positive;
    json["classes"] = set_->classes();
    json["best_epoch"] = best_epoch_;
    json["best_f1"] = best_f1_;
    json["steps"] = step_;
    for (size_t k = 0; k < counts_.size(); ++k) json["training_images"][set_->classes()[k]] = counts_[k];
    for (size_t k = 0; k < weights_.size(); ++k) json["class_weights"][set_->classes()[k]] = weights_[k];
    json["unreadable"] = nlohmann::json::array();
    for (const ImageDataset* set : {set_.get(), validation_.get()}) {
      for (const auto& [sample, reason] : set->unreadable()) json["unreadable"].push_back(reason);
    }
    json["options"] = to_json(o_);
    return json_text(json);
  }

  Options o_;
  Backend& backend_;
  RunFolder folder_;
  std::unique_ptr<ImageDataset> set_, validation_;
  std::unique_ptr<Feed> feed_, validation_feed_;
  std::vector<size_t> chosen_, held_out_;  // training samples, and those put aside
  std::vector<int64_t> counts_;            // of them in each class
  std::vector<double> weights_;            // of the classes, or none
  Decision decision_;
  std::unique_ptr<Model> model_;
  std::vector<Var> trainable_;
  std::unique_ptr<Loss> loss_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Progress> progress_;
  size_t steps_per_epoch_ = 0;
  int64_t total_steps_ = 0, step_ = 0;
  std::string steps_csv_, timing_csv_, epochs_csv_;
  Evaluation last_;
  int best_epoch_ = 0, saved_epoch_ = 0;
  double best_f1_ = 0;
};

}  // namespace

Exit train(Options options) {
  set_cpu_threads(options.threads);
  Training training(std::move(options));
  try {
    return training.run();
  } catch (const Error& error) {
    if (exit_code(error.kind()) != Exit::device) throw;
    throw Error(error.kind(), error.what() + training.what_is_saved());
  }
}

}  // namespace counterpoise
