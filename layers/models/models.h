// The VGG networks of Simonyan and Zisserman 2015 (arXiv:1409.1556), table 1: columns A, B, D and E have 11, 13, 16
// and 19 layers with weights. They are nothing but 3x3 convolutions with relu, and 2x2 max-poolings between blocks.
#pragma once

#include <memory>

#include "layers/sequential.h"

namespace counterpoise {

struct ModelConfig {
  std::string name = "vgg16";  // vgg11, vgg13, vgg16, vgg19; with _bn a batch normalization behind each convolution
  Index image_size = 160;      // images are image_size x image_size x 3
  double width = 1.0;          // factor on the channels of every convolution (64 ... 512)
  enum Head {
    lectures,  // flatten, one dense layer: the two lectures' network
    imagenet,  // average pooling to 7x7, dense 4096, 4096, K with dropout 0.5: the paper's and torchvision's
  } head = lectures;
  Index outputs = 1;    // K
  bool cosine = false;  // the last layer is a CosineLinear
};

// A network with a last layer, head(), and features(x), which that layer sees.
using Model = Sequential;

// The names that ModelConfig::name may have.
const std::vector<std::string>& model_names();

// x [N, S, S, 3] -> logits [N, K]. Parameters have torchvision's names: features.0.weight, classifier.0.weight, ...
// They begin as torchvision's do; the lectures' dense layer as Keras's does (Glorot). Throws Error(invalid_argument)
// for an unknown name, a image that five poolings leave nothing of, or a width that leaves no channel.
std::unique_ptr<Model> make_model(const ModelConfig& config, Backend& backend, uint64_t seed);

}  // namespace counterpoise
