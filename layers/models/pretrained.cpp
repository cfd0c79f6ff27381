#include "layers/models/pretrained.h"

#include <algorithm>

#include "core/io/safetensors.h"
#include "layers/weights.h"

namespace counterpoise {

namespace {

bool is_in(const std::string& name, const std::string& path) { return name.rfind(path + ".", 0) == 0; }

// Modules with which the heads of torchvision, timm and others begin.
bool is_of_a_head(const std::string& name) {
  for (const char* head : {"fc", "linear", "classifier", "head", "pre_logits"}) {
    if (is_in(name, head)) return true;
  }
  return false;
}

// What to load of a file, and whether the head is part of it.
struct Pretrained {
  bool with_head = true;
  WeightSelection selection;
};

Pretrained in_file(Model& model, const std::string& path, bool with_head) {
  const SafetensorsFile file(path);
  const std::string head = head_path(model);
  const std::vector<Parameter> parameters = model.parameters();
  Pretrained y{with_head, {}};
  for (const Parameter& p : parameters) {
    if (is_in(p.name, head)) y.with_head = y.with_head && file.contains(p.name) && file.shape(p.name) == file_shape(p);
  }
  for (const std::string& name : file.names()) {  // another layer follows in the file, or comes before
    const auto same = [&](const Parameter& p) { return p.name == name; };
    if (is_of_a_head(name)) y.with_head = y.with_head && std::any_of(parameters.begin(), parameters.end(), same);
  }
  if (!y.with_head) y.selection = {[head](const std::string& name) { return !is_in(name, head); }, is_of_a_head};
  return y;
}

}  // namespace

bool load_pretrained(Model& model, const std::string& path, bool with_head) {
  const Pretrained loaded = in_file(model, path, with_head);
  load_weights(model, path, loaded.selection);
  return loaded.with_head;
}

void check_pretrained(Model& model, const std::string& path) {
  check_weights(model, path, in_file(model, path, true).selection);
}

Index outputs_in_file(const ModelConfig& config, const std::string& path) {
  const SafetensorsFile file(path);
  const auto model = make_model(config, meta_backend(), 1);
  const std::string weight = head_path(*model) + ".weight";
  return file.contains(weight) && file.shape(weight).size() == 2 ? static_cast<Index>(file.shape(weight)[0]) : 0;
}

}  // namespace counterpoise
