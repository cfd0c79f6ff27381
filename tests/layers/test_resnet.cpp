// ResNets: numbers of parameters, shapes, what cannot be built; normalization of images; pretrained bodies.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "core/io/safetensors.h"
#include "layers/batch_norm.h"
#include "layers/models/models.h"
#include "layers/models/pretrained.h"
#include "layers/summary.h"
#include "layers/weights.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

static ModelConfig config_of(const std::string& name, double width = 1, Index size = 32, Index outputs = 10) {
  ModelConfig config;
  config.name = name, config.width = width, config.image_size = size, config.outputs = outputs;
  return config;
}

TEST_CASE("resnet: numbers of parameters are torchvision's and those of He et al.") {
  const std::map<std::string, Index> imagenet = {
      {"resnet18", 11689512}, {"resnet34", 21797672}, {"resnet50", 25557032}};
  for (const auto& [name, count] : imagenet) {
    CAPTURE(name);
    const auto model = make_model(config_of(name, 1, 224, 1000), meta_backend(), 1);
    CHECK(model->parameter_count(/*trainable_only=*/true) == count);
    CHECK(model->output_shape({2, 224, 224, 3}) == Shape{2, 1000});
    CHECK(head_path(*model) == "fc");
  }
  const std::map<std::string, Index> cifar = {
      {"resnet20", 269722}, {"resnet32", 464154}, {"resnet44", 658586}, {"resnet56", 853018}};
  for (const auto& [name, count] : cifar) {
    CAPTURE(name);
    const auto model = make_model(config_of(name), meta_backend(), 1);
    CHECK(model->parameter_count(true) == count);
    CHECK(model->output_shape({2, 32, 32, 3}) == Shape{2, 10});
    CHECK(head_path(*model) == "linear");
  }
}

TEST_CASE("resnet: the summary lists every layer, also where a convolution includes its normalization") {
  const auto model = make_model(config_of("resnet20"), meta_backend(), 1);
  const std::string text = summary(*model, "resnet20", {1, 32, 32, 3});
  CHECK(contains(text, " conv1 (Conv2D)                      (None, 32, 32, 16)                  432\n"));
  CHECK(contains(text, " layer2.0.bn1 (BatchNormalization)   (None, 16, 16, 32)                  128\n"));
  CHECK(contains(text, " layer3.0.shortcut (Shortcut)        (None, 8, 8, 64)                      0\n"));
  CHECK(contains(text, " linear (Dense)                      (None, 10)                          650\n"));
}

TEST_CASE("resnet: in evaluation mode a convolution includes the normalization after it, with the same result") {
  const InitScope scope(guarded_cpu(), 1);
  for (const bool with_bias : {false, true}) {
    Conv2d conv(3, 5, 3, {2, 1}, /*relu=*/false, with_bias);
    BatchNorm2d plain(5), with_relu(5, 1e-5, 0.1, /*relu=*/true);
    for (Module* module : std::initializer_list<Module*>{&conv, &plain, &with_relu}) {
      module->cast(DType::f64);
      for (const Parameter& p : module->parameters()) {  // statistics, scales and biases that change something
        Var var = p.var;
        var.set_value((abs(Var(random_tensor(guarded_cpu(), var.shape(), DType::f64, var.shape()[0]))) + 0.5).value());
      }
      module->train(false);
    }
    const Var x = random_tensor(guarded_cpu(), {2, 8, 8, 3}, DType::f64, 1);
    const Var residual = random_tensor(guarded_cpu(), {2, 4, 4, 5}, DType::f64, 2);
    const auto check = [](const Var& folded, const Var& expected) {
      const std::vector<double> y = numbers(folded.value()), z = numbers(expected.value());
      REQUIRE(y.size() == z.size());
      for (size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(z[i]).epsilon(1e-9));
    };
    check(plain.after(conv, x), plain(conv(x)));
    check(plain.after(conv, x, residual), relu(plain(conv(x)) + residual));
    check(with_relu.after(conv, x), with_relu(conv(x)));
  }
}

TEST_CASE("resnet: those that cannot be built are invalid arguments") {
  const auto built = [](const ModelConfig& config) { return [config] { make_model(config, meta_backend(), 1); }; };
  CHECK(fails(ErrorKind::invalid_argument, {"resnet18", "31", "32"}, built(config_of("resnet18", 1, 31))));
  CHECK(fails(ErrorKind::invalid_argument, {"resnet20", "at least 4"}, built(config_of("resnet20", 1, 3))));
  CHECK(fails(ErrorKind::invalid_argument, {"resnet32", "0.02", "0.0625"}, built(config_of("resnet32", 0.02))));
  CHECK(fails(ErrorKind::invalid_argument, {"resnet101", "resnet50"}, built(config_of("resnet101"))));
}

TEST_CASE("models: images are normalized as the configuration says") {
  CHECK(to_string(Normalization()) == "none");
  CHECK(to_string(parse_normalization("imagenet")) == "imagenet");
  CHECK(to_string(parse_normalization("cifar10")) == "cifar10");
  const Normalization own = parse_normalization("0.5,0.25,0.1/0.2,1,2");
  CHECK(own.mean == std::array<double, 3>{0.5, 0.25, 0.1});
  CHECK(own.std == std::array<double, 3>{0.2, 1, 2});
  CHECK(parse_normalization(to_string(own)) == own);
  for (const char* wrong :
       {"", "imagenet2", "1,2,3", "1,2/1,2,3", "1,2,3/1,2", "1,2,3/1,2,0", "1,2,3/1,2,3,4", "a/b"}) {
    CAPTURE(wrong);
    CHECK(fails(ErrorKind::invalid_argument, {"imagenet", "cifar10"}, [&] { parse_normalization(wrong); }));
  }

  ModelConfig config = config_of("resnet20", 0.25);
  const auto plain = make_model(config, guarded_cpu(), 1);
  config.normalization = parse_normalization("imagenet");
  const auto net = make_model(config, guarded_cpu(), 1);
  plain->train(false), net->train(false);
  std::vector<float> scaled(2 * 32 * 32 * 3), normalized(scaled.size());
  for (size_t i = 0; i < scaled.size(); ++i) {
    const double pixel = static_cast<double>(i * 37 % 256);
    scaled[i] = static_cast<float>(pixel / 127.5 - 1);
    normalized[i] =
        static_cast<float>((pixel / 255 - config.normalization.mean[i % 3]) / config.normalization.std[i % 3]);
  }
  const Shape shape{2, 32, 32, 3};
  const auto ours = numbers((*net)(Tensor::from(guarded_cpu(), shape, scaled)).value());
  const auto expected = numbers((*plain)(Tensor::from(guarded_cpu(), shape, normalized)).value());
  for (size_t i = 0; i < ours.size(); ++i)
    CHECK(std::fabs(ours[i] - expected[i]) <= 1e-5 * (1 + std::fabs(expected[i])));

  const auto stored = metadata(config);
  CHECK(model_config(stored).normalization == config.normalization);
  CHECK(metadata(config_of("resnet20")).count("mean") == 0);
  CHECK(fails(ErrorKind::bad_data, {"mean", "three numbers"}, [] { model_config({{"mean", "0.5,0.5"}}); }));
  CHECK(fails(ErrorKind::bad_data, {"std", "three numbers"}, [] { model_config({{"std", "0,1,1"}}); }));
}

// -- pretrained weights --

TEST_CASE("pretrained: the body comes from the file, and the head only if it fits") {
  const TemporaryFolder folder;
  const std::string file = folder / "a.safetensors";
  const auto source = make_model(config_of("resnet20", 0.25), guarded_cpu(), 1);
  save_weights(*source, file);
  const auto values = [](Module& net, const std::string& name) { return numbers(parameter(net, name).value()); };

  const auto same = make_model(config_of("resnet20", 0.25), guarded_cpu(), 2);
  CHECK(load_pretrained(*same, file));
  for (const Parameter& p : source->parameters()) CHECK(values(*same, p.name) == values(*source, p.name));

  const auto other = make_model(config_of("resnet20", 0.25, 32, 2), guarded_cpu(), 2);
  const std::vector<double> head = values(*other, "linear.weight");
  CHECK_FALSE(load_pretrained(*other, file));
  CHECK(values(*other, "linear.weight") == head);
  for (const Parameter& p : source->parameters()) {
    if (p.name.rfind("linear.", 0) != 0) CHECK(values(*other, p.name) == values(*source, p.name));
  }
  CHECK(outputs_in_file(config_of("resnet20", 0.25), file) == 10);
  CHECK(outputs_in_file(config_of("resnet18", 0.25), file) == 0);
}

TEST_CASE("pretrained: the heads of torchvision's VGG are no obstacle for the lectures' head" * slow()) {
  const TemporaryFolder folder;
  const std::string file = folder / "vgg.safetensors";
  ModelConfig config = config_of("vgg11", 1. / 32, 32, 5);
  config.head = ModelConfig::imagenet;
  const auto source = make_model(config, guarded_cpu(), 1);
  save_weights(*source, file);
  for (const Index outputs : {1, 4096}) {  // classifier.0 has the shape [4096, 49 C] in the file
    const auto net = make_model(config_of("vgg11", 1. / 32, 224, outputs), guarded_cpu(), 2);
    CHECK_FALSE(load_pretrained(*net, file));
    CHECK(numbers(parameter(*net, "features.0.weight").value()) ==
          numbers(parameter(*source, "features.0.weight").value()));
  }
}

TEST_CASE("pretrained: weights of another network are bad data, and change nothing") {
  const TemporaryFolder folder;
  const std::string file = folder / "a.safetensors";
  save_weights(*make_model(config_of("resnet20", 0.25), guarded_cpu(), 1), file);
  for (const char* name : {"resnet32", "resnet18", "vgg11_bn"}) {
    CAPTURE(name);
    const auto net = make_model(config_of(name, 0.25), guarded_cpu(), 2);
    const std::vector<double> before = numbers(net->parameters()[0].var.value());
    CHECK(fails(ErrorKind::bad_data, {"a.safetensors", "another network", "missing"},
                [&] { load_pretrained(*net, file); }));
    CHECK(numbers(net->parameters()[0].var.value()) == before);
  }
  const auto wide = make_model(config_of("resnet20", 0.5), guarded_cpu(), 2);
  CHECK(fails(ErrorKind::bad_data, {"misshapen", "width"}, [&] { load_pretrained(*wide, file); }));
  CHECK(fails(ErrorKind::bad_data, {"nothing.safetensors"},
              [&] { load_pretrained(*wide, folder / "nothing.safetensors"); }));
}
