#include "apps/trainer/eval_command.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "apps/trainer/data_sets.h"
#include "apps/trainer/device.h"
#include "apps/trainer/evaluate.h"
#include "apps/trainer/run_folder.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/file.h"
#include "core/io/safetensors.h"
#include "kernels/cpu/parallel.h"
#include "layers/weights.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

// The description of the network in the weights' file, for what the command line does not give.
class Description {
 public:
  Description(const Options& options, const std::map<std::string, std::string>& metadata)
      : options_(options), metadata_(metadata) {}

  // The network: what the command line does not give is the file's.
  ModelConfig network() const {
    auto of_file = metadata_;
    for (const char* flag : {"--model", "--width", "--head"}) {
      if (options_.given.count(flag)) of_file.erase(flag + 2);
    }
    if (options_.given.count("--image-size")) of_file.erase("image_size");
    try {
      const ModelConfig config = model_config(of_file, options_.model);
      const std::vector<std::string>& known = model_names();
      CP_ENSURE_AS(bad_data, std::find(known.begin(), known.end(), config.name) != known.end(), "the model \"",
                   config.name, "\" is unknown; valid are ", join(known));
      CP_ENSURE_AS(bad_data, config.outputs <= 2, "the model's outputs \"", config.outputs,
                   "\" is not a number from 1 to 2");
      return config;
    } catch (const Error& e) {
      throw Error(e.kind(), options_.weights, ": ", e.what());
    }
  }

  // Replaces `value` by the file's, which must be one that the command line would accept.
  void fill(const std::string& flag, const std::string& key, std::string& value) const {
    if (const std::string* given = find(flag, key)) value = shortened(*given);
  }
  template <class T>
  void fill(const std::string& flag, const std::string& key, T& value, T low, T high) const {
    const std::string* given = find(flag, key);
    if (!given) return;
    std::istringstream in(*given);
    T read;
    CP_ENSURE_AS(bad_data, in >> read && in.eof() && low <= read && read <= high, options_.weights, ": its ", key,
                 " \"", shortened(*given), "\" is not a number from ", low, " to ", high);
    value = read;
  }

 private:
  const std::string* find(const std::string& flag, const std::string& key) const {
    const auto it = metadata_.find(key);
    return it == metadata_.end() || options_.given.count(flag) ? nullptr : &it->second;
  }

  const Options& options_;
  const std::map<std::string, std::string>& metadata_;
};

// The shift of --adjust-logits, from the numbers of training images in the weights' file.
double shift_of(const Options& o, const std::map<std::string, std::string>& metadata, int32_t positive) {
  const auto it = metadata.find("training_images");
  CP_ENSURE_AS(bad_data, it != metadata.end(), "--adjust-logits: ", o.weights,
               " does not say how many training images of each class there were");
  try {
    CP_ENSURE_AS(bad_data, it->second.size() <= 100, "too long to be parsed");
    const auto counts = nlohmann::json::parse(it->second).get<std::vector<int64_t>>();
    return prior_shift(counts.at(positive), counts.at(1 - positive), o.adjust_logits);
  } catch (const std::exception&) {
    throw Error(ErrorKind::bad_data, o.weights + ": its training_images are not two numbers");
  }
}

}  // namespace

Decision read_description(Options& o, const std::map<std::string, std::string>& metadata) {
  const Description description(o, metadata);
  Decision decision;
  o.model = description.network();
  o.image_size = static_cast<int>(o.model.image_size);
  description.fill("--positive", "positive", o.positive);
  description.fill("", "threshold", decision.origin, -1e9, 1e9);
  description.fill("", "temperature", decision.temperature, 1e-9, 1e9);
  description.fill("--adjust-logits", "logit_shift", decision.shift, -1e9, 1e9);
  description.fill("--threshold", "cut", decision.cut, -1e9, 1e9);
  return decision;
}

Exit eval(Options o) {
  set_cpu_threads(o.threads);
  Backend& backend = choose_backend(o.device, o.precision, o.deterministic);
  const SafetensorsFile file(o.weights);
  const auto& metadata = file.metadata();
  Decision decision = read_description(o, metadata);

  const auto set = validation_images(o.data, o.image_size);
  const auto classes = metadata.find("classes");
  CP_ENSURE_AS(bad_data, classes == metadata.end() || classes->second == nlohmann::json(set->classes()).dump(),
               o.weights, ": was trained on the classes ", shortened(classes->second), " but the images are of ",
               nlohmann::json(set->classes()).dump());
  const auto& names = set->classes();
  CP_ENSURE_AS(bad_data,
               o.given.count("--positive") || o.positive.empty() ||
                   std::find(names.begin(), names.end(), o.positive) != names.end(),
               o.weights, ": its positive class \"", o.positive, "\" is not one of the images' classes ", join(names));
  decision.positive = choose_positive(o.positive, names);
  if (o.given.count("--threshold")) decision.cut = cut_of(o.threshold, decision);
  if (o.given.count("--adjust-logits")) decision.shift = shift_of(o, metadata, decision.positive);
  check_weights(*make_model(o.model, meta_backend(), o.seed), o.weights);  // before memory is taken for them
  const auto model = make_model(o.model, backend, o.seed);
  load_weights(*model, o.weights);
  std::cerr << "Found " << set->size() << " files belonging to " << set->classes().size() << " classes.\n";
  if (!o.output.empty()) {
    make_directories(o.output);
    CP_ENSURE_AS(invalid_argument, !RunFolder::holds_training(o.output), "--output ", o.output,
                 ": holds the result of a training run, which this evaluation would replace; choose another folder");
  }

  DataLoader loader(*set, evaluation_loader(o, backend));
  const Evaluation e = [&] {
    try {
      return evaluate(*model, loader, decision);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::diverged) throw;
      throw Error(ErrorKind::bad_data, o.weights, ": ", error.what(),
                  "; these weights come from a run that diverged, use an earlier file");
    }
  }();
  if (stop_signal()) return static_cast<Exit>(128 + stop_signal());
  const std::string notice = unreadable_notice(*set, "validation");
  if (!notice.empty()) std::cerr << printable(notice) << '\n';
  if (!o.output.empty()) {
    nlohmann::ordered_json json = to_json(scores(*set, e, decision), decision.cut);
    json["positive"] = set->classes()[decision.positive];
    json["weights"] = o.weights;
    json["data"] = o.data.empty() ? "synthetic" : o.data;
    RunFolder folder(o.output);
    write_file(folder.path("predictions.csv"), predictions_csv(*set, e, decision.positive));
    write_file(folder.path("result.json"), json_text(json));
    folder.finish();
  }
  std::cout << report(e.counts, set->classes(), decision.positive) << std::flush;
  return Exit::ok;
}

}  // namespace counterpoise
