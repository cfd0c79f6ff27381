// Models: initial weights, VGG's gradients and numbers of parameters, the summary, the registry and what files store.
#include <doctest/doctest.h>

#include <cmath>

#include "layers/linear.h"
#include "layers/models/models.h"
#include "layers/summary.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

static ModelConfig tiny(const std::string& name = "vgg11") {
  ModelConfig config;
  config.name = name;
  config.width = 1. / 32;
  config.image_size = 32;
  return config;
}

TEST_CASE("models: initial weights depend on the seed alone, with the deviation of their paper") {
  const auto values = [](const Module& net, const std::string& name) { return numbers(parameter(net, name).value()); };
  ModelConfig config = tiny("vgg11");
  config.width = 0.25;
  config.image_size = 64;
  const auto net = make_model(config, guarded_cpu(), 5), same = make_model(config, guarded_reference(), 5);
  const auto other = make_model(config, guarded_cpu(), 6);
  for (const Parameter& p : net->parameters()) CHECK(values(*net, p.name) == values(*same, p.name));
  CHECK(values(*net, "features.0.weight") != values(*other, "features.0.weight"));

  const auto check = [&](const Module& model, const std::string& name, double expected) {
    CAPTURE(name);
    double sum = 0, squares = 0;
    const std::vector<double> all = values(model, name);
    for (const double v : all) sum += v, squares += v * v;
    const double n = double(all.size());
    CHECK(std::sqrt(squares / n) == doctest::Approx(expected).epsilon(4 / std::sqrt(2 * n)));
    CHECK(std::fabs(sum / n) < 4 * expected / std::sqrt(n));
  };
  check(*net, "features.0.weight", std::sqrt(2. / (16 * 9)));
  check(*net, "features.6.weight", std::sqrt(2. / (64 * 9)));
  check(*net, "features.18.weight", std::sqrt(2. / (128 * 9)));
  check(*net, "classifier.0.weight", 0.01);
  for (const Parameter& p : net->parameters()) {
    if (p.name.find("bias") == std::string::npos) continue;
    for (const double v : numbers(p.var.value())) CHECK_FALSE(v != 0);
  }
  config.head_init = ModelConfig::glorot;
  const auto glorot = make_model(config, guarded_cpu(), 5);
  CHECK(values(*glorot, "features.18.weight") == values(*net, "features.18.weight"));
  const double bound = std::sqrt(6. / (2 * 2 * 128 + 1));
  check(*glorot, "classifier.0.weight", bound / std::sqrt(3.));
  for (const double v : values(*glorot, "classifier.0.weight")) CHECK(std::fabs(v) <= bound * (1 + 1e-6));
  manual_seed(1);
  check(Linear(300, 200, 0.01), "weight", 0.01);
}

TEST_CASE("models: every dense layer of the imagenet head has the initial weights that were chosen" * slow()) {
  ModelConfig config = tiny();
  config.head = ModelConfig::imagenet, config.outputs = 1000;
  for (const ModelConfig::HeadInit init : {ModelConfig::normal, ModelConfig::glorot}) {
    config.head_init = init;
    const auto net = make_model(config, guarded_cpu(), 5);
    for (const auto& [name, inputs, outputs] :
         {std::tuple("classifier.0.weight", 16 * 49, 4096), std::tuple("classifier.3.weight", 4096, 4096),
          std::tuple("classifier.6.weight", 4096, 1000)}) {
      CAPTURE(name);
      double squares = 0;
      const std::vector<double> all = numbers(parameter(*net, name).value());
      for (const double v : all) squares += v * v;
      const double expected = init == ModelConfig::normal ? 0.01 : std::sqrt(2. / (inputs + outputs));
      CHECK(std::sqrt(squares / double(all.size())) == doctest::Approx(expected).epsilon(0.01));
    }
  }
}

TEST_CASE("models: with activations in bf16 the logits are f32, and only they" * slow()) {
  for (const ModelConfig::Head head : {ModelConfig::lectures, ModelConfig::imagenet}) {
    for (const bool cosine : {false, true}) {
      ModelConfig config = tiny("vgg11_bn");
      config.head = head, config.cosine = cosine, config.outputs = 2;
      const auto net = make_model(config, guarded_reference(), 3);
      const Tensor x = Tensor::zeros(guarded_reference(), {0, 32, 32, 3}, DType::bf16);
      net->train(false);
      const Var features = net->features(x);
      CHECK(features.value().dtype() == DType::bf16);
      CHECK(net->head()(features).value().dtype() == DType::f32);
    }
  }
}

TEST_CASE("models: a whole VGG has the right gradients") {
  for (const std::string name : {"vgg11", "vgg11_bn"}) {
    CAPTURE(name);
    const auto net = make_model(tiny(name), guarded_cpu(), 2);
    net->cast(DType::f64);
    const Var x = leaves({{{2, 32, 32, 3}}}, guarded_cpu(), DType::f64)[0];
    std::vector<Var> wrt = {x};
    for (const Var& var : net->trainable()) wrt.push_back(var);
    const Gradcheck check = gradcheck([&] { return (*net)(x); }, wrt, 4);
    CHECK_MESSAGE(check.error < 1e-6, check.where);
  }
}

// A count is a w^2 + b w for width w, so two small networks say what a large one has.
static Index features_at_full_width(ModelConfig config) {
  Index count[2];
  for (const int i : {0, 1}) {
    config.width = (i + 1) / 64.;
    const auto net = make_model(config, cpu_backend(), 1);
    count[i] = net->children()[0].module->parameter_count(/*trainable_only=*/true);
  }
  const Index a = 2048 * (count[1] - 2 * count[0]);
  return a + 64 * count[0] - a / 64;
}

TEST_CASE("models: VGG's numbers of parameters are torchvision's" * slow()) {
  ModelConfig config = tiny();
  config.head = ModelConfig::imagenet;
  config.outputs = 1000;
  config.width = 1. / 64;  // 8 channels instead of 512 go into the head
  const Index head =
      make_model(config, cpu_backend(), 1)->children()[1].module->parameter_count() + (512 - 8) * 7 * 7 * 4096;
  const std::map<std::string, Index> imagenet = {
      {"vgg11", 132863336},    {"vgg13", 133047848},    {"vgg16", 138357544},    {"vgg19", 143667240},
      {"vgg11_bn", 132868840}, {"vgg13_bn", 133053736}, {"vgg16_bn", 138365992}, {"vgg19_bn", 143678248}};
  for (const auto& [name, count] : imagenet) {
    CAPTURE(name);
    CHECK(features_at_full_width(tiny(name)) + head == count);
  }
  CHECK(features_at_full_width(tiny("vgg11")) == 9220480);
  CHECK(features_at_full_width(tiny("vgg13")) == 9404992);
  CHECK(features_at_full_width(tiny("vgg16")) == 14714688);
  CHECK(features_at_full_width(tiny("vgg19")) == 20024384);
}

TEST_CASE("models: on the meta backend there are shapes and names, but no numbers" * slow()) {
  for (const std::string& name : model_names()) {
    for (const ModelConfig::Head head : {ModelConfig::lectures, ModelConfig::imagenet}) {
      if (head == ModelConfig::imagenet && name != "vgg11") continue;  // the large head takes time on the other backend
      for (const bool cosine : {false, true}) {
        ModelConfig config = tiny(name);
        config.head = head, config.cosine = cosine, config.outputs = 2;
        CAPTURE(name);
        const auto real = make_model(config, guarded_reference(), 1), meta = make_model(config, meta_backend(), 1);
        CHECK(summary(*meta, name, {1, 32, 32, 3}) == summary(*real, name, {1, 32, 32, 3}));
        const std::vector<Parameter> of_real = real->parameters(), of_meta = meta->parameters();
        REQUIRE(of_meta.size() == of_real.size());
        for (size_t i = 0; i < of_meta.size(); ++i) {
          CHECK(of_meta[i].name == of_real[i].name);
          CHECK(of_meta[i].var.shape() == of_real[i].var.shape());
        }
      }
    }
  }
  ModelConfig largest = tiny("vgg19_bn");
  largest.width = 8, largest.image_size = 2048, largest.outputs = 100000;
  const auto meta = make_model(largest, meta_backend(), 1);
  CHECK(meta->parameter_count() > Index(64) * 64 * 4096 * 100000);
  CHECK(meta->output_shape({4, 2048, 2048, 3}) == Shape{4, 100000});
  CHECK(contains(error_of([&] { parameter(*meta, "features.0.bias").value().to_vector<float>(); }), "no numbers"));
}

TEST_CASE("models: the summary of VGG16 at 160 is Keras's" * slow()) {
  const auto net = make_model({}, cpu_backend(), 1);
  CHECK(net->parameter_count() == 14714688 + 12801);
  CHECK(net->output_shape({16, 160, 160, 3}) == Shape{16, 1});
  const char* table =
      R"(Model: "vgg16"
-----------------------------------------------------------------------------
 Layer (type)                        Output Shape                    Param #
-----------------------------------------------------------------------------
 input_1 (InputLayer)                (None, 160, 160, 3)                   0
 block1_conv1 (Conv2D)               (None, 160, 160, 64)              1,792
 block1_conv2 (Conv2D)               (None, 160, 160, 64)             36,928
 block1_pool (MaxPooling2D)          (None, 80, 80, 64)                    0
 block2_conv1 (Conv2D)               (None, 80, 80, 128)              73,856
 block2_conv2 (Conv2D)               (None, 80, 80, 128)             147,584
 block2_pool (MaxPooling2D)          (None, 40, 40, 128)                   0
 block3_conv1 (Conv2D)               (None, 40, 40, 256)             295,168
 block3_conv2 (Conv2D)               (None, 40, 40, 256)             590,080
 block3_conv3 (Conv2D)               (None, 40, 40, 256)             590,080
 block3_pool (MaxPooling2D)          (None, 20, 20, 256)                   0
 block4_conv1 (Conv2D)               (None, 20, 20, 512)           1,180,160
 block4_conv2 (Conv2D)               (None, 20, 20, 512)           2,359,808
 block4_conv3 (Conv2D)               (None, 20, 20, 512)           2,359,808
 block4_pool (MaxPooling2D)          (None, 10, 10, 512)                   0
 block5_conv1 (Conv2D)               (None, 10, 10, 512)           2,359,808
 block5_conv2 (Conv2D)               (None, 10, 10, 512)           2,359,808
 block5_conv3 (Conv2D)               (None, 10, 10, 512)           2,359,808
 block5_pool (MaxPooling2D)          (None, 5, 5, 512)                     0
 flatten (Flatten)                   (None, 12800)                         0
 dense (Dense)                       (None, 1)                        12,801
-----------------------------------------------------------------------------
Total params: 14,727,489 (features: 14,714,688, classifier: 12,801)
Trainable params: 14,727,489
Non-trainable params: 0
)";
  CHECK(summary(*net, "vgg16", {1, 160, 160, 3}) == table);
  const auto norm = make_model(tiny("vgg11_bn"), cpu_backend(), 1);
  const std::string text = summary(*norm, "vgg11_bn", {1, 32, 32, 3});
  CHECK(text.find(" block1_bn1 (BatchNormalization) ") != std::string::npos);
  CHECK(text.find("\nNon-trainable params: 172\n") != std::string::npos);
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(-123456) == "-123,456");
}

TEST_CASE("models: VGGs that cannot be built are invalid arguments") {
  const auto with = [](const std::string& name, Index size, double width) {
    ModelConfig config;
    config.name = name, config.image_size = size, config.width = width;
    return [config] { make_model(config, cpu_backend(), 1); };
  };
  CHECK(fails(ErrorKind::invalid_argument, {"vgg17", "vgg11", "vgg19_bn"}, with("vgg17", 32, 1)));
  CHECK(fails(ErrorKind::invalid_argument, {"_bn"}, with("_bn", 32, 1)));
  CHECK(fails(ErrorKind::invalid_argument, {"31", "32"}, with("vgg16", 31, 1)));
  CHECK(fails(ErrorKind::invalid_argument, {"0.001", "width"}, with("vgg16", 32, 0.001)));
  ModelConfig none;
  none.outputs = 0;
  CHECK(fails(ErrorKind::invalid_argument, {"0 outputs"}, [&] { make_model(none, cpu_backend(), 1); }));
}

TEST_CASE("models: features and head are the two parts of forward") {
  for (const ModelInfo& row : models()) {
    CAPTURE(row.name);
    CHECK_FALSE(row.help.empty());
    for (const auto head : {ModelConfig::lectures, ModelConfig::imagenet}) {
      if (head == ModelConfig::imagenet && row.name != "vgg11") continue;  // one of them: drawing its weights is slow
      ModelConfig config = tiny(row.name);
      config.head = head, config.outputs = 3;
      const auto net = make_model(config, guarded_cpu(), 1);
      net->train(false);
      const Tensor x = random_tensor(guarded_cpu(), {2, 32, 32, 3}, DType::f32, 1);
      const Var features = net->features(x);
      CHECK(net->head().parameters()[0].var.shape() == Shape{3, features.shape()[1]});
      CHECK(numbers(net->head()(features).value()) == numbers((*net)(x).value()));
      CHECK(net->output_shape({7, 32, 32, 3}) == Shape{7, 3});
    }
  }
}

TEST_CASE("models: the metadata of a weight file describe the network") {
  ModelConfig config;
  config.name = "vgg13_bn", config.image_size = 64, config.width = 0.1, config.outputs = 2, config.cosine = true;
  using Metadata = std::map<std::string, std::string>;
  const Metadata expected = {{"model", "vgg13_bn"}, {"image_size", "64"}, {"width", "0.10000000000000001"},
                             {"head", "lectures"},  {"outputs", "2"},     {"cosine", "1"}};
  CHECK(metadata(config) == expected);
  const auto equal = [](const ModelConfig& a, const ModelConfig& b) { return metadata(a) == metadata(b); };
  CHECK(equal(model_config(expected), config));
  CHECK(model_config(expected).width == 0.1);
  config.head = ModelConfig::imagenet;
  CHECK(equal(model_config(metadata(config)), config));
  CHECK(equal(model_config({{"format", "pt"}}), ModelConfig()));
  CHECK(equal(model_config({}, config), config));
  CHECK(model_config({{"outputs", "1"}}, config).outputs == 1);
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"width", "wide"},
                                                                                   {"width", "0.01"},
                                                                                   {"width", "9"},
                                                                                   {"width", "nan"},
                                                                                   {"image_size", "64.5"},
                                                                                   {"image_size", "31"},
                                                                                   {"image_size", ""},
                                                                                   {"head", "x"},
                                                                                   {"outputs", "0"},
                                                                                   {"cosine", "2"}}) {
    CAPTURE(key);
    CHECK(fails(ErrorKind::bad_data, {"the model's " + key, "\"" + value + "\""}, [&, k = key, v = value] {
      model_config({{k, v}});
    }));
  }
}
