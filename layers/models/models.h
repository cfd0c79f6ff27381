// Models: whole networks for images, by name. A model is one file in this folder, and one row in models.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "layers/module.h"

namespace counterpoise {

// Which network: all that is needed to construct it again for weights on disk, and its initial weights.
struct ModelConfig {
  std::string name = "vgg16";  // one of model_names()
  Index image_size = 160;      // S: images are S x S x 3
  double width = 1.0;          // factor on the channels of every convolution
  enum Head {
    lectures,  // flatten, one dense layer: the two lectures' network
    imagenet,  // the head of the network's paper, as in torchvision
  } head = lectures;
  // The initial weights of the head's dense layers, but not of a CosineLinear, which are always Glorot-uniform.
  enum HeadInit {
    normal,  // normal with the standard deviation 0.01, as in torchvision
    glorot,  // Glorot-uniform, as in Keras
  } head_init = normal;
  Index outputs = 1;    // K
  bool cosine = false;  // the last layer is a CosineLinear
};

// A network in two parts, forward(x) = head()(features(x)): techniques against imbalance re-train or rescale the head
// alone. Not thread-safe, like all modules.
class Model : public Module {
 public:
  // x [N, S, S, 3] -> the input of the last layer, [N, F].
  virtual Var features(const Var& x) = 0;
  // The last layer, [N, F] -> logits [N, K], which are f32 where its input is bf16 (LinearOutput::logits). It stays
  // valid as long as the model.
  virtual Module& head() = 0;
  Var forward(const Var& x) override { return head()(features(x)); }
};

// One row of the registry.
struct ModelInfo {
  std::string name;  // "vgg16"
  std::string help;  // one line for a list of models
  // Constructs the network on the backend and with the generator of the InitScope that it is called in.
  std::unique_ptr<Model> (*build)(const ModelConfig& config);
};

// All models, and their names, in one order. Thread-safe.
const std::vector<ModelInfo>& models();
const std::vector<std::string>& model_names();

// Constructs a network on `backend`; its initial weights depend on the seed alone. Throws Error(invalid_argument) for
// an unknown name, for images that are too small for the network, and for a width that leaves no channel. Thread-safe.
std::unique_ptr<Model> make_model(const ModelConfig& config, Backend& backend, uint64_t seed);

// The configuration as a weight file stores it: the keys "model", "width", "image_size", "head", "outputs" and
// "cosine". head_init is left out, because it says nothing about weights that are loaded. Thread-safe.
std::map<std::string, std::string> metadata(const ModelConfig& config);
// The inverse. Other keys are ignored; where one of the six is missing, the value of `otherwise` is kept. Throws
// Error(bad_data) unless width is from 0.015625 to 8, image_size from 32 to 2048, outputs from 1 to 100000, cosine 0 or
// 1, and head "lectures" or "imagenet"; an unknown model is left to make_model(). Thread-safe.
ModelConfig model_config(const std::map<std::string, std::string>& metadata, ModelConfig otherwise = {});

}  // namespace counterpoise
