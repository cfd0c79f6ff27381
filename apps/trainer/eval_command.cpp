#include "apps/trainer/eval_command.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/trainer/after_training.h"
#include "apps/trainer/data_sets.h"
#include "apps/trainer/device.h"
#include "apps/trainer/evaluate.h"
#include "apps/trainer/run_folder.h"
#include "apps/trainer/split_record.h"
#include "apps/trainer/stop_signal.h"
#include "core/io/file.h"
#include "core/io/safetensors.h"
#include "kernels/cpu/parallel.h"
#include "layers/models/pretrained.h"
#include "layers/weights.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

// The description of the network in the weights' file, for what the command line does not give.
class Description {
 public:
  Description(const Options& options, const std::map<std::string, std::string>& metadata)
      : options_(options), metadata_(metadata) {}

  // Replaces `value` by the file's, which must be one that the command line would accept.
  void fill(const std::string& flag, const std::string& key, std::string& value) const {
    if (const std::string* given = find(flag, key)) value = *given;
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

// The network of o.weights, of which a file of another program may not say how many outputs it has.
ModelConfig network_to_load(const Options& o, const std::map<std::string, std::string>& metadata) {
  ModelConfig config = described_network(o, o.weights, metadata);
  const std::vector<std::string>& known = model_names();
  CP_ENSURE_AS(bad_data, std::find(known.begin(), known.end(), config.name) != known.end(), o.weights, ": the model \"",
               config.name, "\" is unknown; valid are ", join(known));
  if (metadata.count("outputs")) return config;
  const Index outputs = with_flag(o.weights, [&] { return outputs_in_file(config, o.weights); });
  if (outputs) config.outputs = outputs;
  return config;
}

// A number for each class in the weights' file; none if the file does not say.
template <class Number>
std::vector<Number> per_class(const std::string& path, const std::map<std::string, std::string>& metadata,
                              const std::string& key, size_t classes) {
  const auto it = metadata.find(key);
  if (it == metadata.end()) return {};
  try {
    CP_ENSURE_AS(bad_data, it->second.size() <= 40 * classes, "too long to be parsed");
    const auto numbers = nlohmann::json::parse(it->second).get<std::vector<Number>>();
    CP_ENSURE_AS(bad_data, numbers.size() == classes, "too few");
    return numbers;
  } catch (const std::exception&) {
    throw Error(ErrorKind::bad_data, path, ": its ", key, " are not ", classes, " numbers");
  }
}

}  // namespace

ModelConfig described_network(const Options& o, const std::string& path, std::map<std::string, std::string> metadata) {
  for (const char* flag : {"--model", "--width", "--head"}) {
    if (o.given.count(flag)) metadata.erase(flag + 2);
  }
  if (o.given.count("--image-size")) metadata.erase("image_size");
  if (o.given.count("--normalize")) metadata.erase("mean"), metadata.erase("std");
  ModelConfig otherwise = o.model;
  if (!o.given.count("--width")) otherwise.width = 1;  // a file of another program
  return with_flag(path, [&] { return model_config(metadata, otherwise); });
}

Decision read_description(Options& o, const std::map<std::string, std::string>& metadata) {
  const Description description(o, metadata);
  Decision decision;
  o.model = network_to_load(o, metadata);
  o.image_size = static_cast<int>(o.model.image_size);
  description.fill("--positive", "positive", o.positive);
  std::string resize = to_string(o.resize);
  description.fill("--resize", "resize", resize);
  CP_ENSURE_AS(bad_data, resize == "antialias" || resize == "keras", o.weights, ": its resize \"", resize,
               "\" is neither antialias nor keras");
  o.resize = parse_resize(resize);
  description.fill("", "threshold", decision.origin, -1e9, 1e9);
  description.fill("", "temperature", decision.temperature, 1e-9, 1e9);
  description.fill("--adjust-logits", "logit_shift", decision.shift, -1e9, 1e9);
  description.fill("--threshold", "cut", decision.cut, -1e9, 1e9);
  return decision;
}

std::vector<std::string> read_classes(const std::string& path, const std::map<std::string, std::string>& metadata) {
  const auto it = metadata.find("classes");
  if (it == metadata.end()) return {};
  std::vector<std::string> classes;
  try {
    classes = nlohmann::json::parse(it->second).get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception&) {
  }
  const bool differ = std::set<std::string>(classes.begin(), classes.end()).size() == classes.size();
  CP_ENSURE_AS(bad_data, classes.size() >= 2 && differ, path, ": its classes are not the names of two or more classes");
  return classes;
}

Classifier load_classifier(Options& o, Backend& backend, const std::vector<std::string>& of_images) {
  const SafetensorsFile file(o.weights);
  const auto& metadata = file.metadata();
  Classifier classifier;
  classifier.decision = read_description(o, metadata);
  // A file of another program may not say for which network it is.
  const std::string hint = metadata.count("model") || o.given.count("--model")
                               ? ""
                               : "; it does not say which network it is for: see --model and --normalize";
  classifier.classes = read_classes(o.weights, metadata);
  if (classifier.classes.empty()) classifier.classes = of_images;
  CP_ENSURE_AS(bad_data, !classifier.classes.empty(), o.weights,
               ": does not say which classes it tells apart; `eval` takes them from the images");
  const std::vector<std::string>& names = classifier.classes;
  const size_t K = names.size();
  const bool known = std::all_of(of_images.begin(), of_images.end(), [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  });
  CP_ENSURE_AS(bad_data, of_images.empty() || names == of_images, o.weights, ": was trained on the classes ",
               shortened(join(names)), " but the images are of ", shortened(join(of_images)),
               known ? "; --on all evaluates every image that there is of these" : "");
  CP_ENSURE_AS(bad_data, K == 2 ? o.model.outputs <= 2 : o.model.outputs == static_cast<Index>(K), o.weights, ": has ",
               o.model.outputs, " outputs, which do not tell ", K, " classes apart", hint);
  CP_ENSURE_AS(bad_data,
               K > 2 || o.given.count("--positive") || o.positive.empty() ||
                   std::find(names.begin(), names.end(), o.positive) != names.end(),
               o.weights, ": its positive class \"", shortened(o.positive), "\" is not one of the images' classes ",
               join(names));
  if (K > 2 && !o.given.count("--positive")) o.positive.clear();
  Decision& decision = classifier.decision;
  decision.positive = choose_positive(o.positive, names);
  const auto of_file = metadata.find("positive");
  const bool exchanged = K == 2 && of_file != metadata.end() && of_file->second == names[1 - decision.positive];
  if (exchanged) {  // what the file says of the decision is meant for its own positive class
    decision.positive = 1 - decision.positive;
    exchange_classes(decision, o.model.outputs);
  }
  CP_ENSURE_AS(invalid_argument, K == 2 || !o.given.count("--threshold"),
               "--threshold: is for two classes, and there are ", K);
  if (K > 2) decision.shifts = per_class<double>(o.weights, metadata, "logit_shifts", K);
  if (o.given.count("--threshold")) decision.cut = cut_of(o.threshold, decision);
  if (o.given.count("--adjust-logits")) {
    const auto counts = per_class<int64_t>(o.weights, metadata, "training_images", K);
    CP_ENSURE_AS(bad_data, !counts.empty(), "--adjust-logits: ", o.weights,
                 " does not say how many training images of each class there were");
    adjust_logits(decision, counts, o.adjust_logits);
  }
  try {
    check_weights(*make_model(o.model, meta_backend(), o.seed), o.weights);  // before memory is taken for them
  } catch (const Error& error) {
    throw Error(error.kind(), error.what(), hint);
  }
  classifier.model = make_model(o.model, backend, o.seed);
  load_weights(*classifier.model, o.weights);
  return classifier;
}

namespace {

// The images that --on selects, and the name of their split.
struct JudgedImages {
  std::unique_ptr<ImageDataset> set;
  std::string split;
};

JudgedImages judged_images(const Options& o, const std::map<std::string, std::string>& metadata) {
  const std::vector<std::string> classes = read_classes(o.weights, metadata);
  if (o.on == "all") {
    CP_ENSURE_AS(bad_data, !classes.empty(), o.weights,
                 ": does not say which classes it tells apart, which --on all needs to know");
    return {all_images(o, classes), "all"};
  }
  // Such images cannot be trained on, which is no reason not to judge them.
  if (o.on != "validation" && !classes.empty() && has_only_test_images(o)) return {all_images(o, classes), "test"};
  std::string warning;
  SelectedImages images = select_images_as_trained(o, metadata, warning);
  if (!warning.empty()) std::cerr << printable("Warning: " + warning) << '\n';
  CP_ENSURE_AS(bad_data, images.test || o.on != "test", "--on test: ", o.data.empty() ? "synthetic" : o.data,
               " has no test images");
  if (images.test && o.on != "validation") return {std::move(images.test), "test"};
  return {std::move(images.validation), "validation"};
}

}  // namespace

Exit eval(Options o) {
  check_views(o);
  set_cpu_threads(o.threads);
  Backend& backend = choose_backend(o.device, o.precision, {false, o.deterministic});
  const auto metadata = SafetensorsFile(o.weights).metadata();
  read_description(o, metadata);  // the size of the images
  const JudgedImages judged = judged_images(o, metadata);
  const ImageDataset& set = *judged.set;
  const Classifier classifier = load_classifier(o, backend, set.classes());
  const std::string what = judged.split == "all" ? "" : judged.split + " ";
  std::cerr << text("Evaluating on ", set.size(), " ", what, "images of ", set.classes().size(), " classes");
  if (set.classes().size() == 2) {
    const Decision& by = classifier.decision;
    std::cerr << formatted("; positive class: %s, threshold %.4g", printable(set.classes()[by.positive]).c_str(),
                           probability_of(by.cut, by));
  }
  std::cerr << "\n";
  if (!o.output.empty() && o.output != "none") {
    make_directories(o.output);
    CP_ENSURE_AS(invalid_argument, !RunFolder::holds_training(o.output), "--output ", o.output,
                 ": holds the result of a training run, which this evaluation would replace; choose another folder");
    RunFolder::check_others(o.output, false, {o.data, o.groups, o.split});
  }

  DataLoader loader(set, evaluation_loader(o, backend));
  const Evaluation e = [&] {
    try {
      return evaluate(*classifier.model, loader, classifier.decision, {},
                      Views(set, evaluation_loader(o, backend), o.tta, o.tta_views));
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::diverged) throw;
      throw Error(ErrorKind::bad_data, o.weights, ": ", error.what(),
                  "; these weights come from a run that diverged, use an earlier file");
    }
  }();
  if (stop_signal()) return static_cast<Exit>(128 + stop_signal());
  const std::string notice = unreadable_notice(set, judged.split == "all" ? "evaluated" : judged.split);
  if (!notice.empty()) std::cerr << printable(notice) << '\n';
  if (!o.output.empty() && o.output != "none") {
    nlohmann::ordered_json json = to_json(e);
    json["split"] = judged.split;
    json["weights"] = o.weights;
    json["data"] = o.data.empty() ? "synthetic" : o.data;
    if (!o.tta.none()) json["tta"] = to_string(o.tta), json["tta_views"] = o.tta_views;
    RunFolder folder(o.output);
    write_file(folder.path("predictions.csv"), predictions_csv(set, e));
    write_file(folder.path("result.json"), json_text(json));
    folder.finish();
  }
  std::cout << report(e) << std::flush;
  return Exit::ok;
}

}  // namespace counterpoise
