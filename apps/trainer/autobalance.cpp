#include "apps/trainer/autobalance.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "apps/trainer/device.h"
#include "apps/trainer/format.h"
#include "apps/trainer/pretraining.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/safetensors.h"
#include "data/tables/csv.h"
#include "losses/autobalance.h"
#include "optim/hyper_gradient.h"

namespace counterpoise {

namespace {

constexpr double upper_momentum = 0.9, upper_decay = 1e-4;  // as in the authors' code

DataLoaderOptions search_loader(const Options& o, const TrainingData& data, Backend& backend, int epochs) {
  DataLoaderOptions options = data.training_loader(o, backend);
  options.samples = o.shuffle ? data.search_training : interleave(*data.training, data.search_training);
  options.epochs = static_cast<uint64_t>(epochs);
  return options;
}

// Batches for the steps of Delta and l, each step with batches of its own.
DataLoaderOptions hyper_loader(const Options& o, const TrainingData& data, Backend& backend,
                               const std::vector<size_t>& samples, uint64_t stream) {
  DataLoaderOptions options = data.training_loader(o, backend);
  options.samples = samples;
  options.sampler = "shuffle";
  options.seed = static_cast<uint64_t>(o.seed) + stream;
  return options;
}

// While it lives, the running statistics and the counters of random numbers of a model stand still.
class Still {
 public:
  explicit Still(Model& model) : calls_(model.all_random_calls()) {
    for (const Parameter& p : model.parameters()) {
      if (!p.trainable) buffers_.emplace_back(p.var, p.var.value().clone());
    }
    for (const uint64_t* call : calls_) numbers_.push_back(*call);
  }
  ~Still() {
    rewind();
    for (auto& [buffer, value] : buffers_) buffer.set_value(value);
  }
  Still(const Still&) = delete;
  Still& operator=(const Still&) = delete;

  // Before each gradient: Dropout drops the same units.
  void rewind() {
    for (size_t i = 0; i < calls_.size(); ++i) *calls_[i] = numbers_[i];
  }

 private:
  std::vector<std::pair<Var, Tensor>> buffers_;
  std::vector<uint64_t*> calls_;
  std::vector<uint64_t> numbers_;
};

std::vector<double> values(const Tensor& x) {
  const std::vector<float> numbers = x.to_vector<float>();
  return {numbers.begin(), numbers.end()};
}

Tensor tensor(Backend& backend, const std::vector<double>& numbers) {
  const std::vector<float> rounded(numbers.begin(), numbers.end());
  return Tensor::from(backend, {static_cast<Index>(numbers.size())}, rounded);
}

nlohmann::json optimizer_json(const Optimizer& optimizer) {
  const Optimizer::State& state = optimizer.states()[0];
  nlohmann::json json = {{"steps", state.steps}, {"tensors", nlohmann::json::array()}};
  for (const Tensor& t : state.tensors) json["tensors"].push_back(values(t));
  return json;
}

void load_optimizer(Optimizer& optimizer, const nlohmann::json& json, Backend& backend) {
  Optimizer::State state;
  state.steps = json.at("steps").get<int64_t>();
  for (const auto& t : json.at("tensors")) state.tensors.push_back(tensor(backend, t.get<std::vector<double>>()));
  optimizer.load({state});
}

std::string range_text(const std::vector<double>& numbers) {
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  return formatted("%.3f to %.3f", *low, *high);
}

// The factor on the logits.
double scale_of(double delta) { return 1 / (1 + std::exp(-delta)); }

}  // namespace

void check_autobalance(const Options& o) {
  if (o.loss->name != "autobalance") return;
  const auto refuse = [](bool wrong, const std::string& option, const char* why) {
    CP_ENSURE_AS(invalid_argument, !wrong, option, " does not go with --loss autobalance, ", why);
  };
  refuse(o.sampler != "shuffle", "--sampler " + o.sampler,
         "which learns from the images as they are how to balance their classes");
  refuse(o.mix.kind != Mix::none, "--mix", "whose search needs the loss of whole images");
  refuse(o.freeze, "--freeze", "whose search trains a whole network of its own");
  refuse(o.crt_epochs > 0, "--crt", "because it would train another last layer without the loss that was learned");
  refuse(o.precision != "fp32", "--precision " + o.precision,
         "which computes second derivatives from differences of gradients, and needs fp32");
}

int search_epochs(const Options& o) {
  if (o.loss->name != "autobalance") return 0;
  const double epochs = o.loss_spec["search-epochs"];
  return epochs == -1 ? o.epochs : static_cast<int>(epochs);
}

AutoBalanceSearch::AutoBalanceSearch(const Options& o, const TrainingData& data, Backend& backend, Model& start,
                                     const Loss& loss)
    : options_(o),
      data_(data),
      backend_(backend),
      epochs_(search_epochs(o)),
      balanced_(o.model.outputs == 1 ? "bce" : "cross-entropy"),
      loader_(*data.training, search_loader(o, data, backend, epochs_)),
      training_batches_(*data.training, hyper_loader(o, data, backend, data.search_training, uint64_t(1) << 61)),
      validation_batches_(*data.training, hyper_loader(o, data, backend, data.search_validation, uint64_t(3) << 61)),
      total_steps_(loader_.count_batches(static_cast<uint64_t>(epochs_),
                                         o.max_steps ? o.max_steps : std::numeric_limits<int64_t>::max())),
      progress_(total_steps_) {
  check_batches(o, data.search_training.size());
  check_batch(o, std::min(static_cast<size_t>(o.batch_size), data.search_validation.size()));
  model_ = make_model(o.model, backend, static_cast<uint64_t>(o.seed));
  const std::vector<Parameter> from = start.parameters(), to = model_->parameters();
  for (size_t i = 0; i < to.size(); ++i) Var(to[i].var).set_value(from[i].var.value().clone());
  optimizer_.emplace(make_optimizer(o.optimizer, model_->trainable(), optimizer_params(o)));
  if (o.body_lr != 1) optimizer_->set_lr_factors(lr_factors(*model_, o));
  loss_ = std::make_unique<Loss>(loss), differentiated_ = std::make_unique<Loss>(loss);
  LossState initial = loss.state().empty() ? initial_autobalance(data.counts, parameter("tau")) : loss.state();
  for (const char* name : {"delta", "l"}) {
    CP_ENSURE_AS(bad_data, initial[name].size() == data.classes().size(), o.init, ": its loss_state has ",
                 initial[name].size(), " numbers ", name, " for ", data.classes().size(), " classes");
  }
  delta_ = Var(tensor(backend, initial["delta"]), true), l_ = Var(tensor(backend, initial["l"]), true);
  put(initial);
  differentiated_->set_variable("delta", delta_), differentiated_->set_variable("l", l_);
  const OptimizerParams upper = {{"momentum", upper_momentum}, {"weight-decay", upper_decay}};
  of_delta_.emplace(make_optimizer("sgd", {delta_}, upper)), of_l_.emplace(make_optimizer("sgd", {l_}, upper));
  const std::vector<int64_t> counts = data.training->counts(data.search_validation);
  for (const int64_t n : counts) {
    validation_weights_.push_back(static_cast<double>(data.search_validation.size()) /
                                  static_cast<double>(counts.size()) / static_cast<double>(n));
  }
  table_ = "epoch,loss,balanced_loss,curvature";
  for (const char* part : {"delta:", "l:"}) {
    for (const std::string& name : data.classes()) table_ += "," + csv_field(part + name);
  }
  table_ += '\n';
}

void AutoBalanceSearch::put(const LossState& learned) { loss_->restore(learned), differentiated_->restore(learned); }

LossState AutoBalanceSearch::learned() const { return {{"delta", values(delta_.value())}, {"l", values(l_.value())}}; }

AutoBalanceSearch::Batches AutoBalanceSearch::take(DataLoader& loader, const char* count) const {
  const auto number = static_cast<uint64_t>(hyper_steps_) + 1;
  std::vector<size_t> order = loader.order(number);
  // Whole batches only, because a small one has other batch statistics; all samples where there is not even one batch.
  const auto size = static_cast<size_t>(options_.batch_size);
  const auto wanted = static_cast<size_t>(parameter(count));
  if (order.size() > size) order.resize(std::min(order.size() / size, wanted) * size);
  loader.start(number, order);
  Batches batches;
  for (Batch batch; loader.next(batch);) batches.push_back(std::move(batch));
  CP_ENSURE_AS(bad_data, !batches.empty(), "AutoBalance's search: none of ", order.size(),
               " training images can be read");
  return batches;
}

Var AutoBalanceSearch::logits(const Batch& batch) const {
  return cast(model_->head()(model_->features(batch.x)), DType::f32);
}

bool AutoBalanceSearch::is_due(const Step& step) const {
  const auto every = static_cast<int64_t>(parameter("search-every"));
  return static_cast<double>(step.index) >= parameter("search-start") * static_cast<double>(total_steps_) &&
         step.index % every == 0;
}

void AutoBalanceSearch::step_hyper(const Step& step) {
  const Batches training = take(training_batches_, "search-batches");
  const Batches validation = take(validation_batches_, "search-validation-batches");
  Still still(*model_);
  const auto labels = [&](const Batch& batch) { return make_labels(backend_, batch.labels, data_.positive); };
  const auto training_gradient = [&] {
    still.rewind();
    for (const Batch& batch : training) {
      ((*differentiated_)(logits(batch), labels(batch)) / static_cast<double>(training.size())).backward();
    }
  };
  double balanced_loss = 0;
  const auto validation_gradient = [&] {
    still.rewind();
    double total = 0;
    for (const Batch& batch : validation) {
      for (const int32_t label : batch.labels) total += validation_weights_[label];
    }
    for (const Batch& batch : validation) {
      const Var z = logits(batch);
      const Labels y = labels(batch);
      const Var part = sum(balanced_.per_sample(z, y) * by_class(z, y, validation_weights_)) / total;
      part.backward();
      balanced_loss += part.value().item();
    }
  };
  HyperGradientOptions options;
  options.terms = static_cast<int>(parameter("neumann-terms"));
  options.step = parameter("neumann-step");
  const HyperGradient gradient =
      hyper_gradient(training_gradient, validation_gradient, model_->trainable(), {delta_, l_}, options);
  set_gradients({delta_, l_}, gradient);
  const double factor = options_.schedule.lr > 0 ? step.lr / options_.schedule.lr : 1;
  of_delta_->step(parameter("scale-lr") * factor);
  of_l_->step(parameter("shift-lr") * factor);
  ++hyper_steps_, ++epoch_hyper_steps_;
  balanced_sum_ += balanced_loss, curvature_sum_ += gradient.curvature;
  put(learned());
}

bool AutoBalanceSearch::run(const Hooks& hooks) {
  // An epoch whose last step was saved, but not what belongs to its end, is not over.
  bool complete = position_.epoch > epochs_ || (position_.steps >= total_steps_ && position_.batches == 0);
  TrainingLoop loop;
  loop.epochs = epochs_;
  loop.start = position_;
  loop.max_steps = total_steps_;
  loop.max_norm = options_.clip_norm;
  loop.stop = [] { return stop_signal() != 0; };
  loop.lr = scheduled_lr(options_.schedule, loader_, epochs_, total_steps_);
  loop.forward = [&](const Batch& batch, const Step& step) {
    const double progress = static_cast<double>(step.index) / static_cast<double>(total_steps_);
    loss_->set_progress(progress), differentiated_->set_progress(progress);
    if (is_due(step)) step_hyper(step);
    return (*loss_)(logits(batch), make_labels(backend_, batch.labels, data_.positive));
  };
  loop.after_step = [&](const Step& step) {
    steps_ = step.index + 1;
    progress_.step(text("search ", step.epoch, "/", epochs_), steps_, step.samples, step.loss);
  };
  loop.checkpoint_is_due = hooks.checkpoint_is_due;
  loop.checkpoint = hooks.checkpoint;
  loop.after_epoch = [&](const EpochResult& epoch) {
    complete = after_epoch(epoch, hooks) && (epoch.epoch == epochs_ || epoch.steps == total_steps_);
    return !stop_signal();
  };
  try {
    if (!complete) loop.run(loader_, *optimizer_, model_->trainable());
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::diverged) throw;
    throw Error(error.kind(), "AutoBalance's search: ", error.what(), "; try a smaller --lr, --shift-lr or --scale-lr");
  }
  if (complete && hyper_steps_ == 0) {
    hooks.say(text("Warning: the search made no step of Delta and l in its ", total_steps_,
                   " steps: decrease --search-every or --search-start"));
  }
  for (size_t k = 0; complete && k < data_.classes().size(); ++k) {
    constexpr double collapsed = 0.05;
    const double scale = scale_of(values(delta_.value())[k]);
    if (scale >= collapsed) continue;
    hooks.say(formatted("Warning: the scale of %s fell to %.3f: decrease --scale-lr",
                        printable(data_.classes()[k]).c_str(), scale));
  }
  return complete;
}

// Returns whether the epoch is over, rather than stopped by a signal.
bool AutoBalanceSearch::after_epoch(const EpochResult& epoch, const Hooks& hooks) {
  const bool over = !stop_signal();
  if (over) {
    CP_ENSURE_AS(bad_data, epoch.samples > 0, "AutoBalance's search: no training image can be read");
    const auto steps = static_cast<double>(epoch_hyper_steps_);
    const double balanced = steps > 0 ? balanced_sum_ / steps : NAN, curvature = curvature_sum_ / steps;
    const LossState numbers = learned();
    std::vector<double> scales;
    for (const double delta : numbers.at("delta")) scales.push_back(scale_of(delta));
    table_ += text(epoch.epoch, formatted(",%.9g", epoch.loss),
                   steps > 0 ? formatted(",%.9g,%.9g", balanced, curvature) : ",,");
    for (const char* name : {"delta", "l"}) {
      for (const double x : numbers.at(name)) table_ += formatted(",%.9g", x);
    }
    table_ += '\n';
    std::string line = formatted("search %d/%d  loss %.4f", epoch.epoch, epochs_, epoch.loss);
    if (steps > 0) {
      line += formatted("  balanced validation loss %.4f  curvature %.3g  l %s  scales %s", balanced, curvature,
                        range_text(numbers.at("l")).c_str(), range_text(scales).c_str());
    }
    hooks.say(line + "  (" + clock_text(epoch.seconds) + ")");
    hooks.after_epoch({{"epoch", epoch.epoch},
                       {"loss", epoch.loss},
                       {"balanced_loss", balanced},
                       {"curvature", curvature},
                       {"delta", numbers.at("delta")},
                       {"l", numbers.at("l")}});
    balanced_sum_ = curvature_sum_ = 0, epoch_hyper_steps_ = 0;
  }
  hooks.checkpoint(over ? epoch.next() : epoch.position);
  return over;
}

void AutoBalanceSearch::save(const std::string& path, const LoopPosition& position, nlohmann::json notes) {
  notes["search"] = {{"table", table_},
                     {"hyper_steps", hyper_steps_},
                     {"sums", {balanced_sum_, curvature_sum_, epoch_hyper_steps_}},
                     {"of_delta", optimizer_json(*of_delta_)},
                     {"of_l", optimizer_json(*of_l_)}};
  save_checkpoint(path, state(), position, notes);
}

void AutoBalanceSearch::resume(const std::string& path) {
  const nlohmann::json notes = checkpoint_notes(path);
  position_ = load_checkpoint(path, state());
  try {
    const nlohmann::json& search = notes.at("search");
    table_ = search.at("table").get<std::string>();
    hyper_steps_ = search.at("hyper_steps").get<int64_t>();
    balanced_sum_ = search.at("sums").at(0).get<double>(), curvature_sum_ = search.at("sums").at(1).get<double>();
    epoch_hyper_steps_ = search.at("sums").at(2).get<int64_t>();
    load_optimizer(*of_delta_, search.at("of_delta"), backend_), load_optimizer(*of_l_, search.at("of_l"), backend_);
    const LossState learned = loss_->state();
    delta_.set_value(tensor(backend_, learned.at("delta"))), l_.set_value(tensor(backend_, learned.at("l")));
    put(learned);
  } catch (const nlohmann::json::exception&) {
    throw damaged_checkpoint(path);
  } catch (const std::out_of_range&) {
    throw damaged_checkpoint(path);
  }
  steps_ = position_.steps;
  progress_.start_at(steps_);
}

nlohmann::ordered_json autobalance_json(const LossState& learned, const TrainingData& data) {
  const size_t K = data.counts.size();
  nlohmann::ordered_json json;
  const std::vector<double>&delta = learned.at("delta"), &l = learned.at("l");
  double all = 0, mean_prior = 0, mean_l = 0;
  for (const int64_t n : data.counts) all += static_cast<double>(n);
  std::vector<double> prior;
  for (size_t k = 0; k < K; ++k) {
    prior.push_back(std::log(static_cast<double>(data.counts[k]) / all));
    mean_prior += prior[k] / static_cast<double>(K), mean_l += l[k] / static_cast<double>(K);
    json["l"][data.classes()[k]] = l[k];
    json["delta"][data.classes()[k]] = delta[k];
    json["scale"][data.classes()[k]] = scale_of(delta[k]);
  }
  double both = 0, of_prior = 0, of_l = 0;
  for (size_t k = 0; k < K; ++k) {
    both += (prior[k] - mean_prior) * (l[k] - mean_l);
    of_prior += (prior[k] - mean_prior) * (prior[k] - mean_prior), of_l += (l[k] - mean_l) * (l[k] - mean_l);
  }
  json["slope"] = both / of_prior;
  json["correlation"] = both / std::sqrt(of_prior * of_l);
  return json;
}

}  // namespace counterpoise
