#include "layers/models/models.h"

#include <cstdio>
#include <sstream>

#include "layers/init.h"

namespace counterpoise {

// Each in the file of its name.
std::unique_ptr<Model> vgg(const ModelConfig& config);

const std::vector<ModelInfo>& models() {
  // clang-format off
  static const std::vector<ModelInfo> rows = {
      {"vgg11",    "VGG with 8 convolutions",                         vgg},
      {"vgg13",    "VGG with 10 convolutions",                        vgg},
      {"vgg16",    "VGG with 13 convolutions, the lectures' network", vgg},
      {"vgg19",    "VGG with 16 convolutions",                        vgg},
      {"vgg11_bn", "vgg11 with batch normalization",                  vgg},
      {"vgg13_bn", "vgg13 with batch normalization",                  vgg},
      {"vgg16_bn", "vgg16 with batch normalization",                  vgg},
      {"vgg19_bn", "vgg19 with batch normalization",                  vgg},
  };
  // clang-format on
  return rows;
}

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const ModelInfo& row : models()) all.push_back(row.name);
    return all;
  }();
  return names;
}

std::unique_ptr<Model> make_model(const ModelConfig& config, Backend& backend, uint64_t seed) {
  for (const ModelInfo& row : models()) {
    if (row.name != config.name) continue;
    const InitScope scope(backend, seed);
    return row.build(config);
  }
  throw Error(ErrorKind::invalid_argument, "unknown model \"", config.name, "\"; valid are ",
              detail::join(model_names()));
}

// -- what a weight file stores --

std::map<std::string, std::string> metadata(const ModelConfig& config) {
  char width[40];
  std::snprintf(width, sizeof width, "%.17g", config.width);
  return {{"model", config.name},
          {"width", width},
          {"image_size", detail::text(config.image_size)},
          {"head", config.head == ModelConfig::lectures ? "lectures" : "imagenet"},
          {"outputs", detail::text(config.outputs)},
          {"cosine", detail::text(config.cosine)}};
}

namespace {

// A text from a file for a message: at most 40 bytes of it.
std::string shortened(const std::string& text) { return text.size() > 40 ? text.substr(0, 40) + "..." : text; }

// Reads one value into `value`, if the key is there.
template <class T>
void read(const std::map<std::string, std::string>& metadata, const std::string& key, T low, T high, T& value) {
  const auto it = metadata.find(key);
  if (it == metadata.end()) return;
  std::istringstream in(it->second);
  T number{};
  CP_ENSURE_AS(bad_data, in >> number && in.eof() && low <= number && number <= high, "the model's ", key, " \"",
               shortened(it->second), "\" is not a number from ", low, " to ", high);
  value = number;
}

}  // namespace

ModelConfig model_config(const std::map<std::string, std::string>& metadata, ModelConfig config) {
  if (const auto it = metadata.find("model"); it != metadata.end()) config.name = shortened(it->second);
  read(metadata, "width", 0.015625, 8.0, config.width);
  read(metadata, "image_size", Index(32), Index(2048), config.image_size);
  if (const auto it = metadata.find("head"); it != metadata.end()) {
    CP_ENSURE_AS(bad_data, it->second == "lectures" || it->second == "imagenet", "the model's head \"",
                 shortened(it->second), "\" is neither lectures nor imagenet");
    config.head = it->second == "lectures" ? ModelConfig::lectures : ModelConfig::imagenet;
  }
  read(metadata, "outputs", Index(1), Index(100000), config.outputs);
  int cosine = config.cosine;
  read(metadata, "cosine", 0, 1, cosine);
  config.cosine = cosine != 0;
  return config;
}

}  // namespace counterpoise
