// Models: whole networks for images, by name. A model is one file in this folder, and one row in models.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "layers/module.h"

namespace counterpoise {

// How the pixels of an image become the numbers that a network sees, channel by channel in the order R, G, B:
// (x / 255 - mean) / std of a pixel x from 0 to 255. Networks must be given the images that they were trained on.
struct Normalization {
  // x / 127.5 - 1, within [-1, 1].
  std::array<double, 3> mean = {0.5, 0.5, 0.5}, std = {0.5, 0.5, 0.5};

  bool operator==(const Normalization& other) const { return mean == other.mean && std == other.std; }
};

// The normalization of a name: "none" (x / 127.5 - 1), "imagenet" (torchvision's and timm's weights), "cifar10" (mean
// and deviation of CIFAR-10's training images), "keras" (Keras's VGG16: only the means are subtracted); or of numbers,
// three means and three deviations: "0.5,0.4,0.4/0.2,0.2,0.2". Throws Error(invalid_argument) for others. to_string()
// is the inverse. Thread-safe.
Normalization parse_normalization(const std::string& text);
std::string to_string(const Normalization& normalization);
std::vector<std::string> normalization_names();

// Which network: all that is needed to construct it again for weights on disk, and its initial weights.
struct ModelConfig {
  std::string name = "vgg16";  // one of model_names()
  Index image_size = 160;      // S: images are S x S x 3
  double width = 1.0;          // factor on the channels of every convolution
  enum Head {
    lectures,  // flatten, one dense layer: the two lectures' network
    imagenet,  // the head of the network's paper, as in torchvision; a ResNet has this one in both cases
  } head = lectures;
  // The initial weights of the head's dense layers, but not of a CosineLinear, which are always Glorot-uniform.
  enum HeadInit {
    normal,  // normal; the standard deviation is torchvision's, for VGG 0.01
    glorot,  // Glorot-uniform, as in Keras
  } head_init = normal;
  Index outputs = 1;            // K
  bool cosine = false;          // the last layer is a CosineLinear
  Normalization normalization;  // of the images
};

// A network in two parts, forward(x) = head()(features(x)): techniques against imbalance re-train or rescale the head
// alone. Images are within [-1, 1], as the loader makes them; the model changes them to its own normalization first.
// Not thread-safe, like all modules.
class Model : public Module {
 public:
  // x [N, S, S, 3] within [-1, 1] -> the input of the last layer, [N, F].
  Var features(const Var& x) { return body(normalized(x)); }
  // The same for images that are normalized already: what a network computes.
  virtual Var body(const Var& x) = 0;
  // The last layer, [N, F] -> logits [N, K], which are f32 where its input is bf16 (LinearOutput::logits). It stays
  // valid as long as the model.
  virtual Module& head() = 0;
  Var forward(const Var& x) override { return head()(features(x)); }
  // Appends the normalization of the images, and then onnx_normalized().
  std::string onnx(OnnxExport& to, const OnnxValue& x) final;
  // Appends head()(body(x)), for images that are normalized already. By default throws Error(failure): the model cannot
  // be exported.
  virtual std::string onnx_normalized(OnnxExport& to, const OnnxValue& x);

  const Normalization& normalization() const { return normalization_; }
  void set_normalization(const Normalization& normalization) { normalization_ = normalization; }

 private:
  bool normalizes(const Shape& x) const;
  // Normalized = factor[c] x + offset[c] in channel c.
  std::array<double, 3> factor() const, offset() const;
  Var normalized(const Var& x) const;

  Normalization normalization_;
};

// The path to the last layer, with which the names of its parameters begin: "fc" or "classifier.6". Thread-safe.
std::string head_path(Model& model);

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
// an unknown name, for images that are too small for the network, for a width that leaves no channel, and for less than
// one output. Thread-safe.
std::unique_ptr<Model> make_model(const ModelConfig& config, Backend& backend, uint64_t seed);

// The configuration as a weight file stores it: the keys "model", "width", "image_size", "head", "outputs" and
// "cosine", and with another normalization than the default "mean" and "std", three numbers each. head_init is left
// out, because it says nothing about weights that are loaded. Thread-safe.
std::map<std::string, std::string> metadata(const ModelConfig& config);
// The inverse. Other keys are ignored; where one is missing, the value of `otherwise` is kept. Throws Error(bad_data)
// unless width is from 0.015625 to 8, image_size from 32 to 2048, outputs from 1 to 100000, cosine 0 or 1, head
// "lectures" or "imagenet", and mean and std are three numbers, deviations above 0; an unknown model is left to
// make_model(). Thread-safe.
ModelConfig model_config(const std::map<std::string, std::string>& metadata, ModelConfig otherwise = {});

}  // namespace counterpoise
