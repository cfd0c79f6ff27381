// The residual networks of He et al. 2016 (arXiv:1512.03385).
//
// Table 1, for ImageNet: resnet18, resnet34 and resnet50. A 7x7 convolution and a 3x3 max-pooling, both at stride 2,
// four stages of blocks with 64, 128, 256 and 512 channels, the last three of which halve the image, and projections
// (1x1 convolutions) as shortcuts where the shape changes (option B). As in torchvision, resnet50 halves the image in
// the 3x3 convolution of a block and not in the first 1x1 one ("ResNet v1.5"). Names and shapes of the
// parameters are torchvision's, and so are initial distributions but for the dense layer's: normal with torchvision's
// standard deviation, and a bias of 0.
//
// Section 4.2, for CIFAR-10: resnet20, resnet32, resnet44 and resnet56. A 3x3 convolution and three stages of 3, 5, 7
// or 9 blocks with 16, 32 and 64 channels, at full, half and a quarter of the image's size. The shortcuts have no
// parameters: where the shape changes they take every second row and column, and new channels are zeros (option A), of
// which half are before and half after the others. Names are those of the widely used weights by Y. Idelbayev
// (akamaster's pytorch_resnet_cifar10): conv1, bn1, layer1.0.conv1, ..., linear. All convolutions are without biases.
//
// Both end with the mean over the image and one dense layer, whichever head is chosen: the networks have no other one.
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

struct Architecture {
  bool cifar;               // section 4.2, else table 1
  bool bottleneck;          // blocks of three convolutions, 1x1, 3x3 and 1x1, the last with four times the channels
  std::vector<int> blocks;  // of each stage
};

const std::map<std::string, Architecture> architectures = {
    {"resnet18", {false, false, {2, 2, 2, 2}}}, {"resnet34", {false, false, {3, 4, 6, 3}}},
    {"resnet50", {false, true, {3, 4, 6, 3}}},  {"resnet20", {true, false, {3, 3, 3}}},
    {"resnet32", {true, false, {5, 5, 5}}},     {"resnet44", {true, false, {7, 7, 7}}},
    {"resnet56", {true, false, {9, 9, 9}}},
};

constexpr Index bottleneck_factor = 4;

Conv2d convolution(Index channels, Index outputs, Index kernel, Index stride) {
  return Conv2d(channels, outputs, kernel, {stride, kernel / 2}, /*relu=*/false, /*bias=*/false);
}

BatchNorm2d batch_normalization(Index channels, bool relu) { return BatchNorm2d(channels, 1e-5, 0.1, relu); }

// The shortcut of option A: every second row and column, with zeros for the new channels. It is computed as a 1x1
// convolution with a constant kernel of ones and zeros, which changes no number.
class PaddedShortcut : public Module {
 public:
  PaddedShortcut(Index channels, Index outputs, Index stride)
      : channels_(channels), outputs_(outputs), stride_(stride) {}

  Var forward(const Var& x) override {
    const DType dtype = x.value().dtype();
    if (!weight_.defined() || &weight_.backend() != &x.backend() || weight_.dtype() != dtype) {
      weight_ = Tensor::from(x.backend(), {outputs_, 1, 1, channels_}, kernel()).cast(dtype);
    }
    return conv2d(x, weight_, {}, {stride_, 0});
  }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    const std::string weight = to.constant("kernel", {outputs_, channels_, 1, 1}, kernel());
    return to.node("Conv", {x.name, weight}, {{"kernel_shape", {1, 1}}, {"strides", {stride_, stride_}}});
  }
  std::string type() const override { return "Shortcut"; }

 private:
  std::vector<float> kernel() const {
    std::vector<float> weights(outputs_ * channels_);
    const Index before = (outputs_ - channels_) / 2;
    for (Index c = 0; c < channels_; ++c) weights[(before + c) * channels_ + c] = 1;
    return weights;
  }

  Index channels_, outputs_, stride_;
  Tensor weight_;  // made for the first x of a backend and a dtype
};

// relu(F(x) + shortcut(x)), figures 2 and 5 of the paper: F has two 3x3 convolutions, or is a bottleneck.
class Block : public Module {
 public:
  Block(const Architecture& a, Index channels, Index planes, Index stride) {
    const Index outputs = a.bottleneck ? bottleneck_factor * planes : planes;
    const int count = a.bottleneck ? 3 : 2;
    for (int i = 1; i <= count; ++i) {
      const std::string number = std::to_string(i);
      const Index from = i == 1 ? channels : planes, to = i == count ? outputs : planes;
      const Index kernel = a.bottleneck && i != 2 ? 1 : 3;
      Conv2d& conv = add("conv" + number, convolution(from, to, kernel, i == count - 1 ? stride : 1));
      convolutions_.emplace_back(&conv, &add("bn" + number, batch_normalization(to, /*relu=*/i < count)));
    }
    if (stride == 1 && channels == outputs) return;
    if (a.cifar) {
      padding_ = &add("shortcut", PaddedShortcut(channels, outputs, stride));
      return;
    }
    Sequential& downsample = add("downsample", Sequential());
    Conv2d& conv = downsample.add("0", convolution(channels, outputs, 1, stride));
    projection_ = {&conv, &downsample.add("1", batch_normalization(outputs, /*relu=*/false))};
  }

  Var forward(const Var& x) override {
    Var y = x;
    for (size_t i = 0; i + 1 < convolutions_.size(); ++i) y = apply(convolutions_[i], y);
    Var shortcut = x;
    if (padding_) shortcut = (*padding_)(x);
    if (projection_.first) shortcut = apply(projection_, x);
    return apply(convolutions_.back(), y, shortcut);
  }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    OnnxValue y = x, shortcut = x;
    for (const Child& child : children()) {
      if (child.name == "shortcut" || child.name == "downsample") shortcut = to.call(child, x);
      else y = to.call(child, y);
    }
    return to.node("Relu", {to.node("Add", {y.name, shortcut.name})});
  }

 private:
  // A convolution and the normalization after it.
  using Normalized = std::pair<Conv2d*, BatchNorm2d*>;

  static Var apply(const Normalized& pair, const Var& x, const Var& residual = {}) {
    return pair.second->after(*pair.first, x, residual);
  }

  std::vector<Normalized> convolutions_;
  Normalized projection_ = {nullptr, nullptr};
  PaddedShortcut* padding_ = nullptr;
};

class ResNet : public Model {
 public:
  explicit ResNet(const ModelConfig& config) {
    const Architecture& a = architectures.at(config.name);
    const Index first = a.cifar ? 16 : 64, reduction = a.cifar ? 4 : 32;
    CP_ENSURE_AS(invalid_argument, config.image_size >= reduction, config.name, ": images of ", config.image_size, "x",
                 config.image_size, " vanish when they are halved ", a.cifar ? "twice" : "five times",
                 "; use at least ", reduction);
    const auto planes_of = [&](size_t stage) {
      return std::llround(static_cast<double>(first << stage) * config.width);
    };
    Index channels = planes_of(0);
    CP_ENSURE_AS(invalid_argument, channels >= 1, config.name, ": a width of ", config.width, " leaves no channel of ",
                 first, "; use at least ", 1. / static_cast<double>(first));

    conv1_ = &add("conv1", a.cifar ? convolution(3, channels, 3, 1) : convolution(3, channels, 7, 2));
    bn1_ = &add("bn1", batch_normalization(channels, /*relu=*/true));
    if (!a.cifar) parts_.push_back(&add("maxpool", MaxPool2d(Pool2dParams{3, 2, 1})));
    for (size_t stage = 0; stage < a.blocks.size(); ++stage) {
      Sequential& blocks = add("layer" + std::to_string(stage + 1), Sequential());
      for (int i = 0; i < a.blocks[stage]; ++i) {
        blocks.add(Block(a, channels, planes_of(stage), stage > 0 && i == 0 ? 2 : 1));
        channels = planes_of(stage) * (a.bottleneck ? bottleneck_factor : 1);
      }
      parts_.push_back(&blocks);
    }
    parts_.push_back(&add("avgpool", GlobalAvgPool2d()));

    // The deviation of the authors' initial weights: He's for CIFAR's networks; for the others that of PyTorch's
    // default, which is uniform within 1 / sqrt(channels).
    const double usual = std::sqrt((a.cifar ? 2. : 1. / 3) / static_cast<double>(channels));
    const double deviation = config.head_init == ModelConfig::glorot ? 0 : usual;
    const std::string name = a.cifar ? "linear" : "fc";
    if (config.cosine) head_ = &add(name, CosineLinear(channels, config.outputs, {}, LinearOutput::logits));
    else head_ = &add(name, Linear(channels, config.outputs, deviation, {}, LinearOutput::logits));
  }

  Var body(const Var& x) override {
    Var y = bn1_->after(*conv1_, x);
    for (Module* part : parts_) y = (*part)(y);
    return y;
  }
  std::string onnx_normalized(OnnxExport& to, const OnnxValue& x) override { return to.chain(children(), x); }
  Module& head() override { return *head_; }

 private:
  Conv2d* conv1_;
  BatchNorm2d* bn1_;
  std::vector<Module*> parts_;  // what follows them, up to the features
  Module* head_;
};

}  // namespace

std::unique_ptr<Model> resnet(const ModelConfig& config) { return std::make_unique<ResNet>(config); }

}  // namespace counterpoise
