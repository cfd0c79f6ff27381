// The VGG networks of Simonyan and Zisserman 2015 (arXiv:1409.1556), table 1: columns A, B, D and E have 11, 13, 16
// and 19 layers with weights. Five blocks of 3x3 convolutions with relu, a 2x2 max-pooling after each, and a head.
//
// Parameters have torchvision's names (features.0.weight, classifier.0.weight, ...) and initial distributions; with
// ModelConfig::glorot the dense layers have Keras's.
#include <cmath>

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/models/models.h"
#include "layers/pool.h"
#include "layers/sequential.h"

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

class Vgg : public Model {
 public:
  explicit Vgg(const ModelConfig& config)
      : features_(add("features", Sequential())), classifier_(add("classifier", Sequential())) {
    Index size = config.image_size, channels = 3;
    CP_ENSURE_AS(invalid_argument, size >= 32, config.name, ": images of ", size, "x", size,
                 " vanish in five 2x2 poolings; use at least 32");
    CP_ENSURE_AS(invalid_argument, config.width * 64 >= 1, config.name, ": a width of ", config.width,
                 " leaves no channel of 64; use at least 0.015625");
    const std::vector<int>& blocks = blocks_of.at(config.name.substr(0, 5));
    const bool normalize = config.name.size() > 5;

    int index = 0;  // torchvision counts every convolution, batch normalization, relu and pooling
    const auto next = [&index] { return std::to_string(index++); };
    for (size_t block = 0; block < blocks.size(); ++block) {
      const Index outputs = std::llround(channels_of[block] * config.width);
      const std::string label = "block" + std::to_string(block + 1);
      for (int i = 1; i <= blocks[block]; ++i) {
        const std::string number = std::to_string(i);
        Conv2d& conv =
            features_.add(next(), Conv2d(channels, outputs, 3, {1, 1}, /*relu=*/!normalize), label + "_conv" + number);
        steps_.push_back({&conv, &conv});
        if (normalize) {
          BatchNorm2d normalization(outputs, 1e-5, 0.1, /*relu=*/true);
          steps_.back().normalization = &features_.add(next(), std::move(normalization), label + "_bn" + number);
        }
        next();  // the relu, which is computed with what is before it
        channels = outputs;
      }
      MaxPool2d& pool = features_.add(next(), MaxPool2d(2), label + "_pool");
      if (normalize) steps_.push_back({&pool});
      else steps_.back().pool = &pool;
      size /= 2;
    }

    const bool lectures = config.head == ModelConfig::lectures;
    const double deviation = config.head_init == ModelConfig::glorot ? 0 : 0.01;
    if (!lectures) classifier_.add("avgpool", AdaptiveAvgPool2d(size = 7, 7), "avgpool");
    classifier_.add("flatten", Flatten(), "flatten");
    const FileLayout flattened{FileLayout::flattened, size, size, channels};
    const Index inputs = size * size * channels;
    if (lectures && config.cosine) {
      classifier_.add("0", CosineLinear(inputs, config.outputs, flattened, LinearOutput::logits), "dense");
    } else if (lectures) {
      classifier_.add("0", Linear(inputs, config.outputs, deviation, flattened, LinearOutput::logits), "dense");
    } else {
      classifier_.add("0", Linear(inputs, 4096, deviation, flattened), "fc1");
      classifier_.add("1", ReLU(), "fc1_relu");
      classifier_.add("2", Dropout(0.5), "fc1_dropout");
      classifier_.add("3", Linear(4096, 4096, deviation), "fc2");
      classifier_.add("4", ReLU(), "fc2_relu");
      classifier_.add("5", Dropout(0.5), "fc2_dropout");
      if (config.cosine)
        classifier_.add("6", CosineLinear(4096, config.outputs, {}, LinearOutput::logits), "predictions");
      else classifier_.add("6", Linear(4096, config.outputs, deviation, {}, LinearOutput::logits), "predictions");
    }
  }

  Var body(const Var& x) override {
    Var y = x;
    for (const Step& step : steps_) {
      y = step.normalization ? step.normalization->after(*step.conv, y)
          : step.pool        ? step.pool->after(*step.conv, y)
                             : (*step.module)(y);
    }
    for (size_t i = 0; i + 1 < classifier_.size(); ++i) y = classifier_[i](y);
    return y;
  }
  std::string onnx_normalized(OnnxExport& to, const OnnxValue& x) override { return to.chain(children(), x); }
  Module& head() override { return classifier_[classifier_.size() - 1]; }

 private:
  // A convolution, with the batch normalization or the pooling that is computed with it, or a pooling alone.
  struct Step {
    Module* module;
    Conv2d* conv = nullptr;
    BatchNorm2d* normalization = nullptr;
    MaxPool2d* pool = nullptr;
  };

  Sequential& features_;
  Sequential& classifier_;
  std::vector<Step> steps_;
};

}  // namespace

std::unique_ptr<Model> vgg(const ModelConfig& config) { return std::make_unique<Vgg>(config); }

}  // namespace counterpoise
