// Modules: children and their names, moving, modes, residual blocks, Sequential, initial weights, the summary.
#include <doctest/doctest.h>

#include <thread>

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/pool.h"
#include "layers/sequential.h"
#include "layers/summary.h"
#include "layers/weights.h"
#include "tests/backends.h"
#include "tests/core/gradcheck.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using Names = std::vector<std::string>;

// The block of He et al. 2016 (arXiv:1512.03385) figure 2, with a 1x1 projection where the shapes differ.
class BasicBlock : public Module {
 public:
  BasicBlock(Index channels, Index outputs, Index stride = 1)
      : conv1_(add("conv1", Conv2d(channels, outputs, 3, {stride, 1}, false, /*bias=*/false))),
        bn1_(add("bn1", BatchNorm2d(outputs))),
        conv2_(add("conv2", Conv2d(outputs, outputs, 3, {1, 1}, false, /*bias=*/false))),
        bn2_(add("bn2", BatchNorm2d(outputs))),
        shortcut_(add("shortcut", Sequential())) {
    if (stride == 1 && channels == outputs) return;
    shortcut_.add(Conv2d(channels, outputs, 1, {stride, 0}, false, /*bias=*/false));
    shortcut_.add(BatchNorm2d(outputs));
  }

  Var forward(const Var& x) override {
    const Var y = bn2_(conv2_(relu(bn1_(conv1_(x)))));
    return relu(y + shortcut_(x));
  }

 private:
  Conv2d& conv1_;
  BatchNorm2d& bn1_;
  Conv2d& conv2_;
  BatchNorm2d& bn2_;
  Sequential& shortcut_;
};

// A scale of its own, and a child that it calls twice.
class Twice : public Module {
 public:
  Twice() : scale_(add("scale", init::ones({1}))), dense_(add("dense", Linear(4, 4), "the dense layer")) {}
  Var forward(const Var& x) override { return scale_ * dense_(relu(dense_(x))); }

 private:
  Var scale_;
  Linear& dense_;
};

// The same layers as those of Sequential, and a forward() of its own.
class Negated : public Sequential {
 public:
  using Sequential::Sequential;
  Var forward(const Var& x) override { return -Sequential::forward(x); }
};

class Failing : public Module {
 public:
  Var forward(const Var&) override { throw Error(ErrorKind::failure, "no"); }
};

Names names(const Module& module) {
  Names all;
  for (const Parameter& p : module.parameters()) all.push_back(p.name);
  return all;
}

Sequential residual_net() {
  return {Conv2d(3, 4, 3, {1, 1}), BasicBlock(4, 4), BasicBlock(4, 6, 2), GlobalAvgPool2d(), Linear(6, 2)};
}

std::vector<double> first_weights(const Module& module) { return numbers(module.parameters()[0].var.value()); }

}  // namespace

TEST_CASE("module: a residual network lists the parameters of its children by their paths") {
  const InitScope scope(guarded_cpu(), 1);
  const BasicBlock block(4, 6, 2);
  CHECK(names(block) == Names{"conv1.weight", "bn1.weight", "bn1.bias", "bn1.running_mean", "bn1.running_var",
                              "conv2.weight", "bn2.weight", "bn2.bias", "bn2.running_mean", "bn2.running_var",
                              "shortcut.0.weight", "shortcut.1.weight", "shortcut.1.bias", "shortcut.1.running_mean",
                              "shortcut.1.running_var"});
  CHECK(block.parameter_count() == 4 * 6 * 9 + 6 * 6 * 9 + 4 * 6 + 3 * 24);
  CHECK(block.parameter_count(/*trainable_only=*/true) == block.parameter_count() - 3 * 12);
  CHECK(block.trainable().size() == 9);
  CHECK(names(residual_net())[3] == "1.bn1.weight");
  CHECK(names(Twice()) == Names{"scale", "dense.weight", "dense.bias"});
}

TEST_CASE("module: gradients flow through a residual network, and modes, dtype and backend reach every child") {
  const InitScope scope(guarded_cpu(), 1);
  Sequential net = residual_net();
  net.cast(DType::f64);
  const Var x = leaves({{{2, 6, 6, 3}}}, guarded_cpu(), DType::f64)[0];
  for (const bool training : {true, false}) {
    CAPTURE(training);
    net.train(training);
    CHECK(net[1].children()[1].module->training() == training);
    std::vector<Var> wrt = net.trainable();
    wrt.push_back(x);
    const Gradcheck check = gradcheck([&] { return net(x); }, wrt, 20);
    CHECK_MESSAGE(check.error < 1e-6, check.where);
  }
  const std::vector<double> before = numbers(parameter(net, "2.bn2.running_mean").value());
  net(x);
  CHECK(numbers(parameter(net, "2.bn2.running_mean").value()) == before);
  net.train();
  net(x);
  CHECK(numbers(parameter(net, "2.bn2.running_mean").value()) != before);
  sum(net(x)).backward();
  for (const Var& var : net.trainable()) CHECK(var.grad().defined());
  net.zero_grad();
  for (const Var& var : net.trainable()) CHECK_FALSE(var.grad().defined());
  net.to(guarded_reference());
  for (const Parameter& p : net.parameters()) CHECK(&p.var.backend() == &guarded_reference());
}

TEST_CASE("module: a residual network's weights are read back bit for bit") {
  const TemporaryFolder folder;
  const InitScope scope(guarded_cpu(), 1);
  Sequential net = residual_net(), other = residual_net();
  const Tensor x = random_tensor(guarded_cpu(), {2, 6, 6, 3}, DType::f32, 1);
  net(x);  // moves the running statistics
  net.train(false), other.train(false);
  CHECK(numbers(net(x).value()) != numbers(other(x).value()));
  save_weights(net, folder / "a.safetensors", {});
  load_weights(other, folder / "a.safetensors");
  CHECK(numbers(net(x).value()) == numbers(other(x).value()));
}

TEST_CASE("module: references to children stay valid when their parent is moved") {
  const InitScope scope(guarded_cpu(), 1);
  auto first = std::make_unique<BasicBlock>(4, 4);
  const Tensor x = random_tensor(guarded_cpu(), {1, 3, 3, 4}, DType::f32, 1);
  const std::vector<double> y = numbers((*first)(x).value());
  BasicBlock second = std::move(*first);
  first.reset();
  CHECK(numbers(second(x).value()) == y);
  Sequential net;
  const Module& kept = net.add("block", std::move(second));
  Sequential outer = {std::move(net)};
  CHECK(names(outer)[0] == "block.conv1.weight");  // one Sequential is moved, not wrapped
  CHECK(numbers(outer(x).value()) == y);
  CHECK(&kept == outer.children()[0].module.get());
  Sequential nested = {std::move(outer), ReLU()};
  CHECK(names(nested)[0] == "0.block.conv1.weight");
  CHECK(numbers(nested(x).value()) == y);
}

TEST_CASE("module: names are new, not empty and without dots") {
  Sequential net;
  net.add("a", ReLU());
  net.add("b", std::unique_ptr<Module>(std::make_unique<Linear>(2, 1)));
  CHECK(names(net) == Names{"b.weight", "b.bias"});
  CHECK(fails(ErrorKind::failure, {"Sequential", "\"a\""}, [&] { net.add("a", ReLU()); }));
  CHECK(fails(ErrorKind::failure, {"\"a.b\"", "dot"}, [&] { net.add("a.b", ReLU()); }));
  CHECK(fails(ErrorKind::failure, {"empty"}, [&] { net.add("", ReLU()); }));
  CHECK(net.size() == 2);
}

TEST_CASE("module: parameters have a value and a file layout of their shape, and children are there") {
  struct Open : Module {
    using Module::add;
    Var forward(const Var& x) override { return x; }
  } m;
  const auto refused = [&](const Shape& shape, const FileLayout& layout, const std::vector<std::string>& words) {
    return fails(ErrorKind::failure, words, [&] { m.add("w", Tensor::zeros(cpu_backend(), shape), layout); });
  };
  CHECK(refused({2, 8}, {FileLayout::flattened, 10, 10, 10}, {"Open", "\"w\" [2, 8]", "[10, 10, 10]", "[K, 1000]"}));
  CHECK(refused({2, 8}, {FileLayout::flattened, -2, -2, 2}, {"negative"}));
  CHECK(refused({8}, {FileLayout::flattened, 2, 2, 2}, {"Open", "[8]"}));
  CHECK(refused({2, 8}, {FileLayout::conv}, {"Open", "[2, 8]", "[K, R, S, C]"}));
  CHECK(fails(ErrorKind::failure, {"Open", "\"w\"", "never given a value"}, [&] { m.add("w", Tensor()); }));
  CHECK(fails(ErrorKind::failure, {"Open", "\"w\"", "null"}, [&] { m.add("w", std::unique_ptr<Module>()); }));
  CHECK(m.parameters().empty());
  CHECK(m.children().empty());
}

TEST_CASE("module: Sequential numbers its modules, and draws their weights from left to right") {
  manual_seed(7);
  Sequential net = {Linear(3, 4), ReLU(), Linear(4, 2)};
  CHECK(names(net) == Names{"0.weight", "0.bias", "2.weight", "2.bias"});
  manual_seed(7);
  const Linear first(3, 4), second(4, 2);
  CHECK(first_weights(net[0]) == first_weights(first));
  CHECK(first_weights(net[2]) == first_weights(second));
  const Tensor x = random_tensor(cpu_backend(), {5, 3}, DType::f32, 1);
  CHECK(net.output_shape({5, 3}) == Shape{5, 2});
  CHECK(net(x).shape() == Shape{5, 2});
  CHECK(numbers(Sequential()(x).value()) == numbers(x));
  static_assert(!std::is_copy_constructible_v<Sequential> && std::is_move_constructible_v<Sequential>);
  static_assert(!std::is_constructible_v<Sequential, int>);
}

TEST_CASE("module: a class derived from Sequential keeps its forward(), also alone in another Sequential") {
  const Tensor x = Tensor::full(cpu_backend(), {1, 2}, 3);
  Negated relu = {ReLU()};
  CHECK(numbers(relu(x).value()) == std::vector<double>{-3, -3});
  Negated moved = std::move(relu);
  CHECK(numbers(moved(x).value()) == std::vector<double>{-3, -3});
  Sequential first = {std::move(moved)}, second = {ReLU(), Negated(ReLU())};
  CHECK(first.size() == 1);
  CHECK(numbers(first(x).value()) == std::vector<double>{-3, -3});
  CHECK(numbers(second(x).value()) == std::vector<double>{-3, -3});
  Sequential same = {std::move(first)};  // moved from, not wrapped
  CHECK(same.size() == 1);
  CHECK(same[0].type() == "Negated");
}

TEST_CASE("init: layers take backend and generator from their thread") {
  manual_seed(3);
  const Linear a(3, 4);
  manual_seed(3);
  {
    const InitScope scope(guarded_reference(), 4);
    const Linear b(3, 4);
    CHECK(&b.parameters()[0].var.backend() == &guarded_reference());
    CHECK(first_weights(b) != first_weights(a));
    {
      const InitScope inner(guarded_cpu(), 3);
      CHECK(first_weights(Linear(3, 4)) == first_weights(a));
    }
    CHECK(&init::backend() == &guarded_reference());
  }
  const Linear c(3, 4);
  CHECK(&c.parameters()[0].var.backend() == &cpu_backend());
  CHECK(first_weights(c) == first_weights(a));
  CHECK(first_weights(Linear(3, 4)) != first_weights(a));

  std::vector<double> there;
  std::thread([&] { there = first_weights(Linear(3, 4)); }).join();
  manual_seed(0);
  CHECK(first_weights(Linear(3, 4)) == there);
}

TEST_CASE("module: output_shape leaves modes and statistics as they are, also when it throws") {
  const InitScope scope(guarded_cpu(), 1);
  Sequential net = residual_net();
  net.add(Failing());
  net[1].train(false);
  CHECK(fails(ErrorKind::failure, {"no"}, [&] { net.output_shape({9, 6, 6, 3}); }));
  CHECK(net.training());
  CHECK_FALSE(net[1].children()[0].module->training());
  CHECK(net[2].output_shape({9, 7, 7, 4}) == Shape{9, 4, 4, 6});
  CHECK(net[2].training());
  CHECK(numbers(parameter(net, "2.bn1.running_var").value()) == std::vector<double>(6, 1.));
  // Nothing is recorded once the trace has failed.
  CHECK(net[0].trace({1, 6, 6, 3}).size() == 1);
}

TEST_CASE("summary: layers are listed in the order of their calls, by label or path") {
  Sequential net;
  net.add("stem", Conv2d(3, 4, 3, {1, 1}), "first");
  net.add("block", BasicBlock(4, 6, 2));
  net.add("pool", GlobalAvgPool2d());
  const char* table =
      R"(Model: "net"
-------------------------------------------------------------------------------
 Layer (type)                          Output Shape                    Param #
-------------------------------------------------------------------------------
 input_1 (InputLayer)                  (None, 8, 8, 3)                       0
 first (Conv2D)                        (None, 8, 8, 4)                     112
 block.conv1 (Conv2D)                  (None, 4, 4, 6)                     216
 block.bn1 (BatchNormalization)        (None, 4, 4, 6)                      24
 block.conv2 (Conv2D)                  (None, 4, 4, 6)                     324
 block.bn2 (BatchNormalization)        (None, 4, 4, 6)                      24
 block.shortcut.0 (Conv2D)             (None, 4, 4, 6)                      24
 block.shortcut.1 (BatchNormalization) (None, 4, 4, 6)                      24
 pool (GlobalAveragePooling2D)         (None, 6)                             0
-------------------------------------------------------------------------------
Total params: 748 (first: 112, block: 636)
Trainable params: 712
Non-trainable params: 36
)";
  CHECK(summary(net, "net", {1, 8, 8, 3}) == table);
  const std::string frozen = summary(net, "net", {1, 8, 8, 3}, net.children().front().module.get());
  CHECK(frozen.find("Trainable params: 112\nNon-trainable params: 636\n") != std::string::npos);
  Twice twice;
  const std::string text = summary(twice, "twice", {1, 4});
  CHECK(text.find(" the dense layer (Dense)             (None, 4)                            20\n twice (Twice)  ") !=
        std::string::npos);
  CHECK(text.find("Total params: 21 (the dense layer: 20)\n") != std::string::npos);
  ReLU relu;
  CHECK(summary(relu, "relu", {1, 4}).find("Total params: 0\n") != std::string::npos);
}
