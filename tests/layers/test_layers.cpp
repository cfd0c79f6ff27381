// Layers: gradients with respect to inputs and parameters, shapes, training and evaluation, VGG's
// numbers, and the summary.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/models/models.h"
#include "layers/pool.h"
#include "layers/summary.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

// The largest error of the gradients with respect to x and all weights, and the promised shape.
void check_layer(Module& module, const Input& input) {
  CAPTURE(module.type());
  Backend& b = guarded_cpu();
  module.cast(DType::f64);
  std::vector<Var> wrt = leaves({input}, b, DType::f64);
  const Var x = wrt[0];
  for (const Parameter& p : module.parameters()) {
    if (p.trainable) wrt.push_back(p.var);
  }
  CHECK(module.output_shape(x.shape()) == module(x).shape());
  const Gradcheck check = gradcheck([&] { return module(x); }, wrt);
  CHECK_MESSAGE(check.error < 1e-6, check.where);
}

Random rng_of(uint64_t seed) { return Random(seed, Stream::init); }

ModelConfig tiny(const std::string& name = "vgg11") {
  ModelConfig config;
  config.name = name;
  config.width = 1. / 32;
  config.image_size = 32;
  return config;
}

}  // namespace

// -- each layer --

TEST_CASE("layers: gradients in f64, 1e-6, and output shapes") {
  Backend& b = guarded_cpu();
  Random rng = rng_of(1);
  const Shape image{2, 7, 5, 3};
  Conv2d conv(b, rng, 3, 4, 3, {1, 1}), strided(b, rng, 3, 2, 5, {2, 2}, false, false);
  Conv2d relu_conv(b, rng, 3, 4, 3, {1, 0}, true);
  Linear linear(b, rng, 7, 3), normal(b, rng, 7, 2, 0.5);
  MaxPool2d max_pool({2, 2}), overlapping({3, 2, 1});
  AvgPool2d avg_pool({3, 2, 1});
  AdaptiveAvgPool2d adaptive(3, 2);
  GlobalAvgPool2d global;
  ReLU relu;
  Sigmoid sigmoid;
  Softmax softmax;
  Flatten flatten;
  BatchNorm2d norm(b, 3), evaluating(b, 3);
  evaluating.train(false);
  for (Module* m : std::vector<Module*>{&conv, &strided, &relu_conv, &avg_pool, &adaptive, &global, &sigmoid, &flatten,
                                        &norm, &evaluating}) {
    check_layer(*m, {image});
  }
  for (Module* m : std::vector<Module*>{&max_pool, &overlapping, &relu}) {
    check_layer(*m, {image, Input::apart});
  }
  for (Module* m : std::vector<Module*>{&linear, &normal, &softmax}) check_layer(*m, {{5, 7}});
  CHECK(conv.output_shape({9, 160, 160, 3}) == Shape{9, 160, 160, 4});
  CHECK(Flatten().output_shape({0, 2, 2, 3}) == Shape{0, 12});

  Sequential net;
  net.add<Conv2d>("0", "conv", b, rng, 3, 4, 3, Conv2dParams{1, 1}, false, false);
  net.add<BatchNorm2d>("1", "norm", b, 4);
  net.add<Sigmoid>("2", "sigmoid");
  net.add<AvgPool2d>("3", "pool", Pool2dParams{2, 2});
  net.add<Flatten>("4", "flatten");
  net.add<Linear>("5", "dense", b, rng, 24, 2);
  check_layer(net, {image});
  std::vector<std::string> names;
  for (const Parameter& p : net.parameters()) names.push_back(p.name);
  CHECK(names == std::vector<std::string>{"0.weight", "1.weight", "1.bias", "1.running_mean", "1.running_var",
                                          "5.weight", "5.bias"});
  CHECK(net.parameter_count() == 108 + 16 + 50);
  CHECK(net.parameter_count(true) == 108 + 8 + 50);
  net.zero_grad();
  CHECK_FALSE(parameter(net, "5.weight").grad().defined());
  net.to(guarded_reference());
  CHECK(&parameter(net, "1.running_mean").backend() == &guarded_reference());
}

TEST_CASE("layers: an output shape that cannot be is an error, as in forward") {
  Backend& b = guarded_cpu();
  Random rng = rng_of(1);
  Conv2d conv(b, rng, 3, 4, 3, {1, 0});
  CHECK(fails(ErrorKind::failure, {"[1, 8, 8, 5]"}, [&] { conv.output_shape({1, 8, 8, 5}); }));
  CHECK(fails(ErrorKind::failure, {"[1, 2, 8, 3]"}, [&] { conv.output_shape({1, 2, 8, 3}); }));
  CHECK(fails(ErrorKind::failure, {"[8, 5]"}, [&] { Linear(b, rng, 4, 1).output_shape({8, 5}); }));
  CHECK(fails(ErrorKind::failure, {"[1, 1, 4, 3]"}, [&] { MaxPool2d({2, 2}).output_shape({1, 1, 4, 3}); }));
  CHECK(fails(ErrorKind::failure, {"[4, 3]"}, [&] { AvgPool2d({2, 2}).output_shape({4, 3}); }));
  CHECK(fails(ErrorKind::failure, {"[2, 5]"}, [&] { BatchNorm2d(b, 3).output_shape({2, 5}); }));
}

TEST_CASE("layers: Dropout drops while training, again at each call, and does nothing otherwise") {
  Backend& b = guarded_cpu();
  const Var x = leaves({{{2, 500}}}, b, DType::f64)[0];
  const auto make = [](uint64_t seed) {
    Random rng = rng_of(seed);
    return std::make_unique<Dropout>(0.4, rng);
  };
  const auto dropout = make(3), twin = make(3), other = make(4);
  const std::vector<double> first = numbers((*dropout)(x).value());
  const double kept = 1000 - double(std::count(first.begin(), first.end(), 0.));
  CHECK(kept / 1000 == doctest::Approx(0.6).epsilon(0.1));
  CHECK(numbers((*dropout)(x).value()) != first);
  CHECK(numbers((*twin)(x).value()) == first);
  CHECK(numbers((*other)(x).value()) != first);
  const Gradcheck check = gradcheck([&] { return (*make(3))(x); }, {x}, 50);
  CHECK_MESSAGE(check.error < 1e-6, check.where);
  dropout->train(false);
  CHECK(numbers((*dropout)(x).value()) == numbers(x.value()));
}

TEST_CASE("layers: BatchNorm2d uses the batch while training, and what it remembers otherwise") {
  Backend& b = guarded_cpu();
  BatchNorm2d norm(b, 2, /*momentum=*/0.5);
  const Var x = 3 * leaves({{{4, 5, 6, 2}}}, b, DType::f32)[0] + 10;
  const auto moments = [](const Var& v, int channel) {
    const std::vector<double> all = numbers(v.value());
    double sum = 0, squares = 0;
    for (size_t i = channel; i < all.size(); i += 2) sum += all[i], squares += all[i] * all[i];
    const double n = all.size() / 2., mean = sum / n;
    return std::pair<double, double>(mean, squares / n - mean * mean);
  };
  const Var y = norm(x);
  for (const int c : {0, 1}) {
    CHECK(std::fabs(moments(y, c).first) < 1e-5);
    CHECK(moments(y, c).second == doctest::Approx(1).epsilon(1e-3));
    const auto [mean, variance] = moments(x, c);
    const Tensor running = parameter(norm, "running_mean").value();
    CHECK(numbers(running)[c] == doctest::Approx(mean / 2));
    CHECK(numbers(parameter(norm, "running_var").value())[c] ==
          doctest::Approx(0.5 + 0.5 * variance * 120 / 119).epsilon(1e-4));
  }
  norm.train(false);
  const std::vector<double> mean = numbers(parameter(norm, "running_mean").value());
  const std::vector<double> variance = numbers(parameter(norm, "running_var").value());
  const std::vector<double> in = numbers(x.value()), out = numbers(norm(x).value());
  for (size_t i = 0; i < in.size(); ++i) {
    const double expected = (in[i] - mean[i % 2]) / std::sqrt(variance[i % 2] + 1e-5);
    CHECK_FALSE(std::fabs(out[i] - expected) > 1e-5);
  }
  CHECK(numbers(parameter(norm, "running_mean").value()) == mean);
  CHECK_FALSE(parameter(norm, "running_mean").requires_grad());
}

// -- beginnings
// -------------------------------------------------------------------------------------

TEST_CASE("layers: weights begin by the seed alone, with the deviation of their paper") {
  const auto values = [](const Sequential& net, const std::string& name) {
    return numbers(parameter(net, name).value());
  };
  ModelConfig config = tiny("vgg11");
  config.width = 0.25;
  config.image_size = 64;
  const auto net = make_model(config, guarded_cpu(), 5), same = make_model(config, guarded_reference(), 5);
  const auto other = make_model(config, guarded_cpu(), 6);
  for (const Parameter& p : net->parameters()) CHECK(values(*net, p.name) == values(*same, p.name));
  CHECK(values(*net, "features.0.weight") != values(*other, "features.0.weight"));

  const auto check = [&](const Sequential& model, const std::string& name, double expected) {
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
  check(*net, "classifier.0.weight", std::sqrt(6. / (2 * 2 * 128 + 1)) / std::sqrt(3.));
  for (const Parameter& p : net->parameters()) {
    if (p.name.find("bias") == std::string::npos) continue;
    for (const double v : numbers(p.var.value())) CHECK_FALSE(v != 0);
  }
  Random rng = rng_of(1);
  Sequential head;
  head.add<Linear>("0", "fc", guarded_cpu(), rng, 300, 200, 0.01);
  check(head, "0.weight", 0.01);
}

// -- VGG --

TEST_CASE("layers: a whole VGG has the right gradients") {
  for (const std::string name : {"vgg11", "vgg11_bn"}) {
    CAPTURE(name);
    const auto net = make_model(tiny(name), guarded_cpu(), 2);
    net->cast(DType::f64);
    const Var x = leaves({{{2, 32, 32, 3}}}, guarded_cpu(), DType::f64)[0];
    std::vector<Var> wrt = {x};
    for (const Parameter& p : net->parameters()) {
      if (p.trainable) wrt.push_back(p.var);
    }
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
    count[i] = net->entries()[0].module->parameter_count(/*trainable_only=*/true);
  }
  const Index a = 2048 * (count[1] - 2 * count[0]);
  return a + 64 * count[0] - a / 64;
}

TEST_CASE("layers: VGG's numbers of parameters are torchvision's" * slow()) {
  ModelConfig config = tiny();
  config.head = ModelConfig::imagenet;
  config.outputs = 1000;
  config.width = 1. / 64;  // 8 channels instead of 512 go into the head
  const Index head =
      make_model(config, cpu_backend(), 1)->entries()[3].module->parameter_count() + (512 - 8) * 7 * 7 * 4096;
  const std::map<std::string, Index> imagenet = {
      {"vgg11", 132863336},    {"vgg13", 133047848},    {"vgg16", 138357544},    {"vgg19", 143667240},
      {"vgg11_bn", 132868840}, {"vgg13_bn", 133053736}, {"vgg16_bn", 138365992}, {"vgg19_bn", 143678248}};
  CHECK(model_names().size() == imagenet.size());
  for (const std::string& name : model_names()) {
    CAPTURE(name);
    CHECK(features_at_full_width(tiny(name)) + head == imagenet.at(name));
  }
  CHECK(features_at_full_width(tiny("vgg11")) == 9220480);
  CHECK(features_at_full_width(tiny("vgg13")) == 9404992);
  CHECK(features_at_full_width(tiny("vgg16")) == 14714688);
  CHECK(features_at_full_width(tiny("vgg19")) == 20024384);
}

TEST_CASE("layers: the summary of VGG16 at 160 is Keras's" * slow()) {
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

TEST_CASE("layers: VGGs that cannot be are wrong usage") {
  const auto with = [](const std::string& name, Index size, double width) {
    ModelConfig config;
    config.name = name, config.image_size = size, config.width = width;
    return [config] { make_model(config, cpu_backend(), 1); };
  };
  CHECK(fails(ErrorKind::invalid_argument, {"vgg17", "vgg11", "vgg19_bn"}, with("vgg17", 32, 1)));
  CHECK(fails(ErrorKind::invalid_argument, {"_bn"}, with("_bn", 32, 1)));
  CHECK(fails(ErrorKind::invalid_argument, {"31", "32"}, with("vgg16", 31, 1)));
  CHECK(fails(ErrorKind::invalid_argument, {"0.001", "width"}, with("vgg16", 32, 0.001)));
}
