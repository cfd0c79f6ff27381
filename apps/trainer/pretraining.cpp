#include "apps/trainer/pretraining.h"

#include <algorithm>

#include "apps/trainer/eval_command.h"
#include "apps/trainer/format.h"
#include "apps/trainer/program.h"
#include "core/io/safetensors.h"
#include "layers/models/pretrained.h"
#include "layers/weights.h"

namespace counterpoise {

void describe_pretrained(Options& o) {
  std::map<std::string, std::string> of_file =
      with_flag("--pretrained", [&] { return SafetensorsFile(o.pretrained).metadata(); });
  for (const char* key : {"outputs", "cosine"}) of_file.erase(key);  // of the head
  o.model = described_network(o, o.pretrained, of_file);
  if (of_file.count("image_size") && !o.given.count("--image-size"))
    o.image_size = static_cast<int>(o.model.image_size);
  if (!is_synthetic(o.data) && of_file.count("resize") && !o.given.count("--resize")) {
    o.resize = with_flag(o.pretrained, [&] { return parse_resize(of_file["resize"]); });
  }
}

// Where the file's network, of one output, has learned the logit of the other class: the name of that class. Else "".
static std::string other_positive(const Options& o, const std::string& path,
                                  const std::map<std::string, std::string>& metadata) {
  const std::vector<std::string> classes = read_classes(path, metadata);
  const bool known = std::find(classes.begin(), classes.end(), o.positive) != classes.end();
  const auto positive = metadata.find("positive");
  return known && o.model.outputs == 1 && positive != metadata.end() && positive->second != o.positive
             ? positive->second
             : "";
}

void check_initial_weights(const Options& o) {
  const auto model = make_model(o.model, meta_backend(), o.seed);
  if (!o.init.empty()) {
    check_weights(*model, o.init);
    const std::string positive = other_positive(o, o.init, SafetensorsFile(o.init).metadata());
    CP_ENSURE_AS(invalid_argument, positive.empty(), "--init ", o.init, ": its output is the logit of ",
                 shortened(positive), ", but here ", o.positive, " is the positive class; give --positive ",
                 shortened(positive));
  }
  if (!o.pretrained.empty()) check_pretrained(*model, o.pretrained);
}

LoadedWeights load_pretrained(Model& model, const Options& o, const std::vector<std::string>& classes) {
  const auto metadata = SafetensorsFile(o.pretrained).metadata();
  const std::vector<std::string> of_file = read_classes(o.pretrained, metadata);
  const bool same_classes =
      (of_file.empty() || of_file == classes) && other_positive(o, o.pretrained, metadata).empty();
  const bool whole = load_pretrained(model, o.pretrained, /*with_head=*/same_classes);
  const bool silent = !metadata.count("mean") && !metadata.count("framework") && !o.given.count("--normalize");
  return {whole, text("Initial weights of the ", whole ? "whole network" : "body", " from ", o.pretrained,
                      whole          ? ""
                      : same_classes ? "; the head is new"
                                     : "; the head is new, because the file's is for other classes",
                      "; images are normalized: ", to_string(o.model.normalization),
                      silent ? ", since the file does not say how: see --normalize" : "")};
}

void check_batch(const Options& o, size_t smallest) {
  const NoGrad no_grad;
  const auto model = make_model(o.model, meta_backend(), 1);  // it computes shapes alone
  try {
    const Index S = o.model.image_size;
    (*model)(Tensor::empty(meta_backend(), {static_cast<Index>(smallest), S, S, 3}));
  } catch (const Error& error) {
    throw Error(ErrorKind::invalid_argument, "a batch of ", plural(smallest, "image"),
                ", with which an epoch ends, is too small to train ", o.model.name, " at ", o.model.image_size, "x",
                o.model.image_size, ": ", error.what(), "; choose another --batch-size");
  }
}

void check_batches(const Options& o, size_t images) {
  const size_t batch = static_cast<size_t>(o.batch_size);
  if (images > 0) check_batch(o, images % batch ? images % batch : batch);
}

std::vector<double> lr_factors(Model& model, const Options& o) {
  std::vector<double> factors;
  const std::string head = head_path(model) + ".";
  for (const Parameter& p : model.parameters()) {
    if (p.trainable) factors.push_back(p.name.rfind(head, 0) == 0 ? 1 : o.body_lr);
  }
  return factors;
}

}  // namespace counterpoise
