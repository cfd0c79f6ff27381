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

}  // namespace

bool load_pretrained(Model& model, const std::string& path) {
  const SafetensorsFile file(path);
  const std::string head = head_path(model);
  const std::vector<Parameter> parameters = model.parameters();
  bool fits = true;
  for (const Parameter& p : parameters) {
    if (is_in(p.name, head)) fits = fits && file.contains(p.name) && file.shape(p.name) == file_shape(p);
  }
  for (const std::string& name : file.names()) {  // another layer follows in the file, or comes before
    const auto same = [&](const Parameter& p) { return p.name == name; };
    if (is_of_a_head(name)) fits = fits && std::any_of(parameters.begin(), parameters.end(), same);
  }
  load_weights(model, path,
               {[&](const std::string& name) { return fits || !is_in(name, head); },
                [&](const std::string& name) { return !fits && is_of_a_head(name); }});
  return fits;
}

Index outputs_in_file(const ModelConfig& config, const std::string& path) {
  const SafetensorsFile file(path);
  const auto model = make_model(config, meta_backend(), 1);
  const std::string weight = head_path(*model) + ".weight";
  return file.contains(weight) && file.shape(weight).size() == 2 ? static_cast<Index>(file.shape(weight)[0]) : 0;
}

}  // namespace counterpoise
