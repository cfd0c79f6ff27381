#include "layers/models/models.h"

#include <cstdio>
#include <sstream>

#include "core/ops_check.h"
#include "core/table.h"
#include "layers/init.h"
#include "layers/onnx.h"

namespace counterpoise {

// Each in the file of its name.
std::unique_ptr<Model> vgg(const ModelConfig& config);
std::unique_ptr<Model> resnet(const ModelConfig& config);

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
      {"resnet18", "ResNet of 18 layers",                             resnet},
      {"resnet34", "ResNet of 34 layers",                             resnet},
      {"resnet50", "ResNet of 50 layers, in blocks with a bottleneck", resnet},
      {"resnet20", "ResNet of 20 layers for images of 32x32",         resnet},
      {"resnet32", "ResNet of 32 layers for images of 32x32",         resnet},
      {"resnet44", "ResNet of 44 layers for images of 32x32",         resnet},
      {"resnet56", "ResNet of 56 layers for images of 32x32",         resnet},
  };
  // clang-format on
  return rows;
}

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = detail::names_of(models());
  return names;
}

std::unique_ptr<Model> make_model(const ModelConfig& config, Backend& backend, uint64_t seed) {
  const ModelInfo& row = detail::row_of(models(), "model", config.name);
  CP_ENSURE_AS(invalid_argument, config.outputs >= 1, config.name, ": a network of ", config.outputs, " outputs");
  const InitScope scope(backend, seed);
  std::unique_ptr<Model> model = row.build(config);
  model->set_normalization(config.normalization);
  return model;
}

namespace {

// The path from a module to one inside it; empty if it is not there.
std::string path_to(const Module& from, const Module* wanted) {
  for (const Module::Child& child : from.children()) {
    if (child.module.get() == wanted) return child.name;
    const std::string inside = path_to(*child.module, wanted);
    if (!inside.empty()) return child.name + "." + inside;
  }
  return "";
}

}  // namespace

std::string head_path(Model& model) { return path_to(model, &model.head()); }

// -- normalization --

namespace {

const std::vector<std::pair<std::string, Normalization>>& normalizations() {
  // clang-format off
  static const std::vector<std::pair<std::string, Normalization>> rows = {
      {"none", {}},
      {"imagenet", {{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}},
      {"cifar10",  {{0.4914, 0.4822, 0.4465}, {0.2470, 0.2435, 0.2616}}},
      {"keras",    {{123.68 / 255, 116.779 / 255, 103.939 / 255}, {1. / 255, 1. / 255, 1. / 255}}},
  };
  // clang-format on
  return rows;
}

std::string numbers_text(const std::array<double, 3>& numbers) {
  std::string all;
  for (const double number : numbers) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.17g", number);
    all += (all.empty() ? "" : ",") + std::string(digits);
  }
  return all;
}

// Three numbers from `low` to 1e6, separated by commas. Returns false for others.
bool read_numbers(const std::string& text, double low, std::array<double, 3>& numbers) {
  std::istringstream in(text);
  for (size_t c = 0; c < 3; ++c) {
    char comma = ',';
    if ((c > 0 && !(in >> comma)) || comma != ',' || !(in >> numbers[c])) return false;
    if (!(low <= numbers[c] && numbers[c] <= 1e6)) return false;
  }
  return (in >> std::ws).eof();
}

constexpr double lowest_mean = -1e6, lowest_deviation = 1e-6;

}  // namespace

std::vector<std::string> normalization_names() {
  std::vector<std::string> names;
  for (const auto& row : normalizations()) names.push_back(row.first);
  return names;
}

Normalization parse_normalization(const std::string& text) {
  for (const auto& [name, normalization] : normalizations()) {
    if (text == name) return normalization;
  }
  Normalization n;
  const size_t slash = text.find('/');
  const bool valid = slash != std::string::npos && read_numbers(text.substr(0, slash), lowest_mean, n.mean) &&
                     read_numbers(text.substr(slash + 1), lowest_deviation, n.std);
  CP_ENSURE_AS(invalid_argument, valid, "unknown normalization \"", text.substr(0, 60), "\"; valid are ",
               detail::join(normalization_names()), ", or three means and deviations as 0.5,0.4,0.4/0.2,0.2,0.2");
  return n;
}

std::string to_string(const Normalization& normalization) {
  for (const auto& [name, known] : normalizations()) {
    if (normalization == known) return name;
  }
  return numbers_text(normalization.mean) + "/" + numbers_text(normalization.std);
}

bool Model::normalizes(const Shape& x) const {
  return !(normalization_ == Normalization()) && x.rank() == 4 && x[3] == 3;
}

// x = p / 127.5 - 1, so that p / 255 = (x + 1) / 2.
std::array<double, 3> Model::factor() const {
  const auto& std = normalization_.std;
  return {0.5 / std[0], 0.5 / std[1], 0.5 / std[2]};
}
std::array<double, 3> Model::offset() const {
  const auto& [mean, std] = normalization_;
  return {(0.5 - mean[0]) / std[0], (0.5 - mean[1]) / std[1], (0.5 - mean[2]) / std[2]};
}

Var Model::normalized(const Var& x) const {
  if (!normalizes(x.shape())) return x;
  const Index W = x.shape()[2];
  const auto row = [W](const std::array<double, 3>& pixel) {  // of pixels, which is faster to repeat than one pixel
    std::vector<double> numbers;
    for (Index i = 0; i < W; ++i) numbers.insert(numbers.end(), pixel.begin(), pixel.end());
    return numbers;
  };
  return x * tensor_like(x, {W, 3}, row(factor())) + tensor_like(x, {W, 3}, row(offset()));
}

std::string Model::onnx(OnnxExport& to, const OnnxValue& x) {
  if (!normalizes(x.shape)) return onnx_normalized(to, x);
  const auto constant = [&to](const char* name, const std::array<double, 3>& pixel) {
    return to.constant(name, {3, 1, 1}, {pixel.begin(), pixel.end()});
  };
  const std::string scaled = to.node("Mul", {x.name, constant("image_factor", factor())});
  return onnx_normalized(to, {to.node("Add", {scaled, constant("image_offset", offset())}), x.shape});
}

std::string Model::onnx_normalized(OnnxExport& to, const OnnxValue& x) { return Module::onnx(to, x); }

// -- what a weight file stores --

std::map<std::string, std::string> metadata(const ModelConfig& config) {
  char width[40];
  std::snprintf(width, sizeof width, "%.17g", config.width);
  std::map<std::string, std::string> all = {{"model", config.name},
                                            {"width", width},
                                            {"image_size", detail::text(config.image_size)},
                                            {"head", config.head == ModelConfig::lectures ? "lectures" : "imagenet"},
                                            {"outputs", detail::text(config.outputs)},
                                            {"cosine", detail::text(config.cosine)}};
  if (!(config.normalization == Normalization())) {
    all["mean"] = numbers_text(config.normalization.mean);
    all["std"] = numbers_text(config.normalization.std);
  }
  return all;
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
  for (const auto& [key, low, numbers] : {std::tuple("mean", lowest_mean, &config.normalization.mean),
                                          std::tuple("std", lowest_deviation, &config.normalization.std)}) {
    const auto it = metadata.find(key);
    CP_ENSURE_AS(bad_data, it == metadata.end() || read_numbers(it->second, low, *numbers), "the model's ", key, " \"",
                 shortened(it->second), "\" is not three numbers",
                 low > 0 ? detail::text(" of at least ", low) : std::string());
  }
  return config;
}

}  // namespace counterpoise
