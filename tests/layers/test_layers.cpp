// Layers: gradients with respect to inputs and parameters, shapes, training and evaluation mode.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/pool.h"
#include "layers/sequential.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"

using namespace counterpoise;

namespace {

// The largest error of the gradients with respect to x and all weights, and the promised shape.
void check_layer(Module& module, const Input& input) {
  CAPTURE(module.type());
  Backend& b = guarded_cpu();
  module.cast(DType::f64);
  std::vector<Var> wrt = leaves({input}, b, DType::f64);
  const Var x = wrt[0];
  for (const Var& var : module.trainable()) wrt.push_back(var);
  CHECK(module.output_shape(x.shape()) == module(x).shape());
  const Gradcheck check = gradcheck([&] { return module(x); }, wrt);
  CHECK_MESSAGE(check.error < 1e-6, check.where);
}

}  // namespace

TEST_CASE("layers: gradients in f64, 1e-6, and output shapes") {
  const InitScope scope(guarded_cpu(), 1);
  const Shape image{2, 7, 5, 3};
  Conv2d conv(3, 4, 3, {1, 1}), strided(3, 2, 5, {2, 2}, false, false);
  Conv2d relu_conv(3, 4, 3, {1, 0}, true);
  Linear linear(7, 3), normal(7, 2, 0.5);
  CosineLinear cosine(7, 3);
  MaxPool2d max_pool({2, 2}), overlapping({3, 2, 1});
  AvgPool2d avg_pool({3, 2, 1});
  AdaptiveAvgPool2d adaptive(3, 2);
  GlobalAvgPool2d global;
  ReLU relu;
  Sigmoid sigmoid;
  Tanh tanh;
  Softmax softmax;
  Flatten flatten;
  BatchNorm2d norm(3), evaluating(3);
  evaluating.train(false);
  for (Module* m : std::vector<Module*>{&conv, &strided, &relu_conv, &avg_pool, &adaptive, &global, &sigmoid, &tanh,
                                        &flatten, &norm, &evaluating}) {
    check_layer(*m, {image});
  }
  for (Module* m : std::vector<Module*>{&max_pool, &overlapping, &relu}) {
    check_layer(*m, {image, Input::apart});
  }
  for (Module* m : std::vector<Module*>{&linear, &normal, &cosine, &softmax}) check_layer(*m, {{5, 7}});
  CHECK(conv.output_shape({9, 160, 160, 3}) == Shape{9, 160, 160, 4});
  CHECK(Flatten().output_shape({0, 2, 2, 3}) == Shape{0, 12});

  Sequential net = {
      Conv2d(3, 4, 3, {1, 1}, false, false), BatchNorm2d(4), Sigmoid(), AvgPool2d(2), Flatten(), Linear(24, 2)};
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

TEST_CASE("layers: of activations in bf16, a last layer computes logits in f32 and others bf16") {
  const InitScope scope(guarded_reference(), 1);
  Linear hidden(40, 3), last(40, 3, 0, {}, LinearOutput::logits);
  CosineLinear cosine(40, 3), last_cosine(40, 3, {}, LinearOutput::logits);
  const Var x = leaves({{{64, 40}}}, guarded_reference(), DType::bf16)[0];
  for (Module* m : std::vector<Module*>{&hidden, &cosine}) CHECK((*m)(x).value().dtype() == DType::bf16);
  const auto distinct = [](const Var& y) {
    const std::vector<double> all = numbers(y.value());
    return std::set<double>(all.begin(), all.end()).size();
  };
  for (Module* m : std::vector<Module*>{&last, &last_cosine}) {
    CAPTURE(m->type());
    const Var y = (*m)(x);
    CHECK(y.value().dtype() == DType::f32);
    CHECK(distinct(y) == 192);  // bf16 gives some samples the same logit
    CHECK(distinct(cast(y, DType::bf16)) < 180);
    // The layer in f32 computes the same, up to the rounding of weights and activations to 8 bits.
    CHECK(deviation(numbers(y.value()), numbers((*m)(cast(x, DType::f32)).value())) < 0.01);
    weighted_sum(y).backward();
    const Var w = parameter(*m, "weight");
    CHECK(w.grad().dtype() == DType::f32);
    const std::vector<double> rounded = numbers(w.grad());
    m->zero_grad();
    weighted_sum((*m)(cast(x, DType::f32))).backward();
    CHECK(deviation(rounded, numbers(w.grad())) < 0.02);
    CHECK((*m)(leaves({{{2, 40}}}, guarded_reference(), DType::f32)[0]).value().dtype() == DType::f32);
  }
}

TEST_CASE("layers: a pooling's stride is its window, if none is given") {
  const Var x(Tensor::zeros(guarded_cpu(), {1, 9, 9, 2}));
  for (const Pool2dParams& params : {Pool2dParams(3), Pool2dParams{3, 3}}) {
    CHECK(max_pool2d(x, params).shape() == Shape{1, 3, 3, 2});
    CHECK(avg_pool2d(x, params).shape() == Shape{1, 3, 3, 2});
  }
  CHECK(max_pool2d(x, {}).shape() == Shape{1, 4, 4, 2});
  CHECK(max_pool2d(x, {3, 1}).shape() == Shape{1, 7, 7, 2});
}

TEST_CASE("layers: a convolution that is computed with what follows it must fit to it") {
  const InitScope scope(guarded_cpu(), 1);
  const Var x(Tensor::zeros(guarded_cpu(), {1, 4, 4, 3}));
  Conv2d plain(3, 2, 3), with_relu(3, 2, 3, {}, /*relu=*/true);
  CHECK(fails(ErrorKind::failure, {"relu"}, [&] { MaxPool2d(2).after(plain, x); }));
  BatchNorm2d norm(2);
  norm.train(false);
  CHECK(fails(ErrorKind::failure, {"relu"}, [&] { norm.after(with_relu, x); }));
}

TEST_CASE("layers: an output shape that cannot be is an error, as in forward") {
  const InitScope scope(guarded_cpu(), 1);
  Conv2d conv(3, 4, 3, {1, 0});
  CHECK(fails(ErrorKind::failure, {"[0, 8, 8, 5]"}, [&] { conv.output_shape({1, 8, 8, 5}); }));
  CHECK(fails(ErrorKind::failure, {"3x3", "2x8"}, [&] { conv.output_shape({1, 2, 8, 3}); }));
  CHECK(fails(ErrorKind::failure, {"[0, 5]"}, [&] { Linear(4, 1).output_shape({8, 5}); }));
  CHECK(fails(ErrorKind::failure, {"1x4", "2x2"}, [&] { MaxPool2d(2).output_shape({1, 1, 4, 3}); }));
  CHECK(fails(ErrorKind::failure, {"[0, 3]"}, [&] { AvgPool2d(2).output_shape({4, 3}); }));
  CHECK(fails(ErrorKind::failure, {"[0, 5]"}, [&] { BatchNorm2d(3).output_shape({2, 5}); }));
  CHECK(fails(ErrorKind::failure, {"ReLU", "batch"}, [&] { ReLU().output_shape({}); }));
}

TEST_CASE("layers: Dropout drops while training, again at each call, and does nothing otherwise") {
  Backend& b = guarded_cpu();
  const Var x = leaves({{{2, 500}}}, b, DType::f64)[0];
  const auto make = [](uint64_t seed) {
    manual_seed(seed);
    return std::make_unique<Dropout>(0.4);
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

TEST_CASE("layers: constructors refuse numbers out of range") {
  const double nan = std::nan("");
  for (const double p : {-0.1, 1.1, nan}) {
    CHECK(fails(ErrorKind::invalid_argument, {"dropout", detail::text(p)}, [&] { Dropout layer(p); }));
  }
  CHECK(numbers(Dropout(1)(Tensor::full(cpu_backend(), {3}, 2)).value()) == std::vector<double>{0, 0, 0});
  for (const double eps : {-1e-5, nan, 1 / 0.}) {
    CHECK(fails(ErrorKind::invalid_argument, {"eps", detail::text(eps)}, [&] { BatchNorm2d layer(2, eps); }));
  }
  for (const double momentum : {-0.1, 1.1, nan}) {
    CHECK(fails(ErrorKind::invalid_argument, {"momentum", detail::text(momentum)},
                [&] { BatchNorm2d layer(2, 1e-5, momentum); }));
  }
}

TEST_CASE("layers: BatchNorm2d uses the batch while training, and what it remembers otherwise") {
  const InitScope scope(guarded_cpu(), 1);
  BatchNorm2d norm(2, /*eps=*/1e-5, /*momentum=*/0.5);
  const Var x = 3 * leaves({{{4, 5, 6, 2}}}, guarded_cpu(), DType::f32)[0] + 10;
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

TEST_CASE("layers: tau-normalization divides each row by its length to the power tau, and drops the bias") {
  const InitScope scope(guarded_cpu(), 1);
  Linear layer(5, 3);
  Var weight = parameter(layer, "weight"), bias = parameter(layer, "bias");
  bias.set_value(Tensor::full(guarded_cpu(), {3}, 2));
  const std::vector<double> before = numbers(weight.value());
  tau_normalize(layer, 0.5);
  for (const double b : numbers(bias.value())) CHECK_FALSE(b != 0);
  const std::vector<double> after = numbers(weight.value());
  for (int k = 0; k < 3; ++k) {
    double squares = 0;
    for (int c = 0; c < 5; ++c) squares += before[k * 5 + c] * before[k * 5 + c];
    for (int c = 0; c < 5; ++c) {
      CHECK(after[k * 5 + c] == doctest::Approx(before[k * 5 + c] / std::pow(squares, 0.25)).epsilon(1e-5));
    }
  }
  Linear single(5, 1);
  CHECK(fails(ErrorKind::failure, {"[1, 5]"}, [&] { tau_normalize(single, 1); }));
}
