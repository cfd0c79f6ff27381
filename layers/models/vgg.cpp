#include "layers/models/models.h"

#include <cmath>
#include <map>

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/cosine_linear.h"
#include "layers/linear.h"
#include "layers/pool.h"

namespace counterpoise {

namespace {

// Convolutions in each of the five blocks: the table of the paper.
const std::map<std::string, std::vector<int>> blocks_of = {
    {"vgg11", {1, 1, 2, 2, 2}},
    {"vgg13", {2, 2, 2, 2, 2}},
    {"vgg16", {2, 2, 3, 3, 3}},
    {"vgg19", {2, 2, 4, 4, 4}},
};
constexpr Index channels_of[] = {64, 128, 256, 512, 512};

}  // namespace

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& row : blocks_of) all.push_back(row.first);
    for (const auto& row : blocks_of) all.push_back(row.first + "_bn");
    return all;
  }();
  return names;
}

std::unique_ptr<Model> make_model(const ModelConfig& config, Backend& backend, uint64_t seed) {
  std::string base = config.name;
  const bool normalize = base.size() > 3 && base.compare(base.size() - 3, 3, "_bn") == 0;
  if (normalize) base.resize(base.size() - 3);
  const auto table = blocks_of.find(base);
  if (table == blocks_of.end()) {
    throw Error(ErrorKind::invalid_argument, "unknown model \"", config.name, "\"; valid are ",
                detail::join(model_names()));
  }
  CP_ENSURE_AS(invalid_argument, config.image_size >= 32, config.name, ": images of ", config.image_size, "x",
               config.image_size, " vanish in five 2x2 poolings; use at least 32");
  CP_ENSURE_AS(invalid_argument, config.width * 64 >= 1, config.name, ": a width of ", config.width,
               " leaves no channel of 64; use at least 0.015625");

  Random rng(seed, Stream::init);
  auto model = std::make_unique<Sequential>();
  auto& features = model->add<Sequential>("features", "features");
  Index channels = 3, size = config.image_size;
  int index = 0;  // torchvision counts every convolution, batch normalization, relu and pooling
  const auto next = [&index] { return std::to_string(index++); };
  for (size_t block = 0; block < table->second.size(); ++block) {
    const Index outputs = std::llround(channels_of[block] * config.width);
    const std::string label = "block" + std::to_string(block + 1);
    for (int i = 1; i <= table->second[block]; ++i) {
      features.add<Conv2d>(next(), label + "_conv" + std::to_string(i), backend, rng, channels, outputs, 3,
                           Conv2dParams{1, 1}, /*relu=*/!normalize);
      if (normalize) {
        features.add<BatchNorm2d>(next(), label + "_bn" + std::to_string(i), backend, outputs);
        features.add<ReLU>(next(), label + "_relu" + std::to_string(i));
      } else {
        next();  // the relu, which the convolution does itself
      }
      channels = outputs;
    }
    features.add<MaxPool2d>(next(), label + "_pool", Pool2dParams{2, 2});
    size /= 2;
  }

  const bool lectures = config.head == ModelConfig::lectures;
  if (!lectures) model->add<AdaptiveAvgPool2d>("avgpool", "avgpool", size = 7, 7);
  model->add<Flatten>("flatten", "flatten");
  auto& classifier = model->add<Sequential>("classifier", "classifier");
  const FileLayout flattened{FileLayout::flattened, size, size, channels};
  const Index inputs = size * size * channels;
  if (lectures && config.cosine) {
    classifier.add<CosineLinear>("0", "dense", backend, rng, inputs, config.outputs, flattened);
  } else if (lectures) {
    classifier.add<Linear>("0", "dense", backend, rng, inputs, config.outputs, 0, flattened);
  } else {
    classifier.add<Linear>("0", "fc1", backend, rng, inputs, 4096, 0.01, flattened);
    classifier.add<ReLU>("1", "fc1_relu");
    classifier.add<Dropout>("2", "fc1_dropout", 0.5, rng);
    classifier.add<Linear>("3", "fc2", backend, rng, 4096, 4096, 0.01);
    classifier.add<ReLU>("4", "fc2_relu");
    classifier.add<Dropout>("5", "fc2_dropout", 0.5, rng);
    if (config.cosine) classifier.add<CosineLinear>("6", "predictions", backend, rng, 4096, config.outputs);
    else classifier.add<Linear>("6", "predictions", backend, rng, 4096, config.outputs, 0.01);
  }
  return model;
}

}  // namespace counterpoise
