// ONNX files: core/io/onnx.h, layers/onnx.h and `catdog export`. What a file computes is compared with ONNX Runtime by
// tests/apps/check_onnx.py; here the file is decoded, by a reader that is not ours, and must be complete and exact.
#include <filesystem>
#include <map>

#include "apps/trainer/export_command.h"
#include "core/io/safetensors.h"
#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv2d.h"
#include "layers/linear.h"
#include "layers/onnx.h"
#include "layers/pool.h"
#include "layers/sequential.h"
#include "layers/weights.h"
#include "tests/apps/onnx_decoder.h"
#include "tests/program.h"

using namespace counterpoise;

namespace {

ModelConfig tiny(const std::string& name, Index outputs = 1, bool cosine = false) {
  ModelConfig config;
  config.name = name, config.width = 1. / 32, config.image_size = 32, config.outputs = outputs, config.cosine = cosine;
  return config;
}

Decoded exported(const ModelConfig& config, const Decision& decision = {}) {
  const TemporaryFolder folder;
  const auto model = make_model(config, cpu_backend(), 1);
  onnx_graph(*model, config, decision).save(folder / "a.onnx");
  const Decoded graph = decode(slurp(folder / "a.onnx"));
  check_complete(graph);
  return graph;
}

// A module, alone in a graph.
Decoded exported(Module& module, const Shape& x) {
  const TemporaryFolder folder;
  OnnxGraph graph("test");
  graph.input("x", OnnxType::f32, {-1});
  graph.output(OnnxExport(graph).call(module, {"x", x}).name, OnnxType::f32, {-1});
  graph.save(folder / "a.onnx");
  const Decoded decoded = decode(slurp(folder / "a.onnx"));
  check_complete(decoded);
  return decoded;
}

class NoOnnx : public Module {
 public:
  Var forward(const Var& x) override { return x; }
};

class Residual : public Module {
 public:
  explicit Residual(Index channels) { add("conv", Conv2d(channels, channels, 3, {1, 1})); }
  Var forward(const Var& x) override {
    Module& conv = *children()[0].module;
    return conv(relu(conv(x))) + x;
  }
  std::string onnx(OnnxExport& to, const OnnxValue& x) override {
    OnnxValue y = to.call(children()[0], x);
    y.name = to.node("Relu", {y.name});
    return to.node("Add", {to.call(children()[0], y).name, x.name});
  }
};

}  // namespace

TEST_CASE("export: the graph of every model is complete, and its weights are those of a weight file") {
  const TemporaryFolder folder;
  for (const std::string& name : model_names()) {
    for (const bool cosine : {false, true}) {
      CAPTURE(name);
      const ModelConfig config = tiny(name, cosine ? 2 : 1, cosine);
      const auto model = make_model(config, cpu_backend(), 1);
      save_weights(*model, folder / "a.safetensors");
      const SafetensorsFile file(folder / "a.safetensors");
      const Decoded graph = exported(config);
      int convolutions = 0;
      for (const std::string& weight : file.names()) {
        REQUIRE_MESSAGE(graph.constants.count(weight) == 1, weight);
        const DecodedTensor& tensor = graph.constants.at(weight);
        CHECK(tensor.shape == file.shape(weight));
        CHECK(tensor.values == file.read_f32(weight));
        convolutions += tensor.shape.size() == 4;
      }
      for (const auto& constant : graph.constants) {  // shortcuts without parameters
        convolutions += constant.first.find(".shortcut.") != std::string::npos;
      }
      CHECK(graph.count("Conv") == convolutions);
      CHECK(graph.count("Gemm") == 1);
      CHECK(graph.count("ReduceSumSquare") == (cosine ? 2 : 0));
      CHECK(graph.count("Softmax") == (cosine ? 1 : 0));
      CHECK(graph.name == name);
      CHECK(graph.ir_version == 8);
      CHECK(graph.opset == 17);
    }
  }
}

TEST_CASE("export: the operations of vgg11 and vgg11_bn, from bytes to probabilities") {
  const std::vector<std::string> start = {"Cast", "Div", "Sub", "Transpose"},
                                 end = {"Flatten", "Gemm", "Div", "Sub", "Sigmoid"};
  for (const bool normalized : {false, true}) {
    std::vector<std::string> expected = start;
    for (const int convolutions : {1, 1, 2, 2, 2}) {
      for (int i = 0; i < convolutions; ++i) {
        expected.push_back("Conv");
        if (normalized) expected.push_back("BatchNormalization");
        expected.push_back("Relu");
      }
      expected.push_back("MaxPool");
    }
    expected.insert(expected.end(), end.begin(), end.end());
    const Decoded graph = exported(tiny(normalized ? "vgg11_bn" : "vgg11"));
    CHECK(graph.ops() == expected);

    CHECK(graph.inputs.size() == 1);
    CHECK(graph.inputs.at("image").type == 2);
    CHECK(graph.inputs.at("image").shape == Ints{-1, 32, 32, 3});
    CHECK(graph.outputs.size() == 2);
    for (const char* name : {"logit", "probability"}) {
      CHECK(graph.outputs.at(name).type == 1);
      CHECK(graph.outputs.at(name).shape == Ints{-1, 1});
    }
    CHECK(graph.first("Cast").ints.at("to") == Ints{1});
    CHECK(graph.constants.at(graph.first("Div").inputs.at(1)).values == std::vector<float>{127.5f});
    CHECK(graph.constants.at(graph.first("Sub").inputs.at(1)).values == std::vector<float>{1});
    CHECK(graph.first("Transpose").ints.at("perm") == Ints{0, 3, 1, 2});
    CHECK(graph.first("Conv").inputs.at(1) == "features.0.weight");
    CHECK(graph.first("Conv").inputs.at(2) == "features.0.bias");
    CHECK(graph.first("Conv").ints.at("pads") == Ints{1, 1, 1, 1});
    CHECK(graph.first("Conv").ints.at("strides") == Ints{1, 1});
    CHECK(graph.first("MaxPool").ints.at("kernel_shape") == Ints{2, 2});
    CHECK(graph.first("MaxPool").ints.at("strides") == Ints{2, 2});
    CHECK(graph.first("Gemm").inputs.at(1) == "classifier.0.weight");
    CHECK(graph.first("Gemm").ints.at("transB") == Ints{1});
    if (!normalized) continue;
    CHECK(graph.first("BatchNormalization").floats.at("epsilon") == 1e-5f);
    CHECK(graph.first("BatchNormalization").inputs ==
          std::vector<std::string>{"features.0.Conv", "features.1.weight", "features.1.bias", "features.1.running_mean",
                                   "features.1.running_var"});
  }
}

TEST_CASE("export: the head of the network's paper, with its adaptive pooling" * slow()) {
  ModelConfig config = tiny("vgg11");
  config.head = ModelConfig::imagenet, config.image_size = 96;  // 3 x 3 before the head, which takes 7 x 7
  const Decoded graph = exported(config);
  CHECK(graph.count("Gemm") == 3);
  CHECK(graph.count("MatMul") == 2);
  CHECK(graph.constants.at("classifier.avgpool.rows").shape == Ints{7, 3});
  const float h = 0.5f;
  // Windows [i 3/7, (i + 1) 3/7), widened to whole pixels.
  CHECK(graph.constants.at("classifier.avgpool.rows").values ==
        std::vector<float>{1, 0, 0, 1, 0, 0, h, h, 0, 0, 1, 0, 0, h, h, 0, 0, 1, 0, 0, 1});
  AdaptiveAvgPool2d pool(7, 7);
  CHECK(exported(pool, {1, 7, 7, 2}).count("MatMul") == 0);
}

TEST_CASE("export: the decision is in the graph") {
  Decision decision;
  decision.temperature = 2, decision.shift = 0.75, decision.positive = 1;
  const Decoded one = exported(tiny("vgg11"), decision);
  CHECK(one.constants.at("temperature").values == std::vector<float>{2});
  CHECK(one.constants.at("shift").values == std::vector<float>{0.75f});
  CHECK(one.nodes.back().op == "Sigmoid");
  const Decoded two = exported(tiny("vgg11", 2), decision);
  CHECK(two.constants.at("shift").values == std::vector<float>{0, 0.75f});
  CHECK(two.nodes.back().op == "Softmax");
  CHECK(two.outputs.at("probability").shape == Ints{-1, 2});

  Decision numbers;  // those of the mean squared error
  numbers.origin = 0.5;
  const Decoded mse = exported(tiny("vgg11"), numbers);
  CHECK(mse.nodes.back().op == "Clip");
  CHECK(mse.constants.at("shift").values == std::vector<float>{0.5f});
  CHECK(mse.constants.at("origin").values == std::vector<float>{0.5f});
  CHECK(mse.constants.at("lowest").values == std::vector<float>{0});
  CHECK(mse.constants.at("highest").values == std::vector<float>{1});
  numbers.cut = -0.75;  // a threshold of -0.25, which some numbers are below
  CHECK(exported(tiny("vgg11"), numbers).constants.at("lowest").values[0] < -1e30f);
  numbers.cut = 0.75;
  CHECK(exported(tiny("vgg11"), numbers).constants.at("highest").values[0] > 1e30f);
  exchange_classes(decision, 1);
  CHECK(exported(tiny("vgg11"), decision).constants.at("temperature").values == std::vector<float>{-2});
  CHECK(exported(tiny("vgg11"), decision).constants.at("shift").values == std::vector<float>{-0.75f});

  Decision of_three;
  of_three.temperature = 2, of_three.shifts = {0.5, 0, -0.5};
  const Decoded three = exported(tiny("vgg11", 3), of_three);
  CHECK(three.constants.at("shift").values == std::vector<float>{0.5f, 0, -0.5f});
  CHECK(three.nodes.back().op == "Softmax");
  CHECK(three.outputs.at("logit").shape == Ints{-1, 3});
}

TEST_CASE("export: every layer has its operator") {
  Sequential net = {Conv2d(3, 4, 3, {2, 0}, /*relu=*/false, /*bias=*/false),
                    BatchNorm2d(4, 1e-3),
                    Tanh(),
                    AvgPool2d(Pool2dParams{3, 2, 1}),
                    AdaptiveAvgPool2d(1, 1),
                    GlobalAvgPool2d(),
                    Dropout(0.5),
                    Linear(4, 3),
                    Sigmoid(),
                    CosineLinear(3, 2),
                    Softmax()};
  const Decoded graph = exported(net, {1, 21, 21, 3});
  CHECK(graph.ops() == std::vector<std::string>{"Conv", "BatchNormalization", "Tanh", "AveragePool",
                                                "GlobalAveragePool", "GlobalAveragePool", "Flatten", "Gemm", "Sigmoid",
                                                "ReduceSumSquare", "Add", "Sqrt", "Div", "ReduceSumSquare", "Add",
                                                "Sqrt", "Div", "Gemm", "Softmax"});
  CHECK(graph.first("Conv").inputs.size() == 2);
  CHECK(graph.first("Conv").ints.at("strides") == Ints{2, 2});
  CHECK(graph.first("BatchNormalization").floats.at("epsilon") == 1e-3f);
  CHECK(graph.first("AveragePool").ints.at("count_include_pad") == Ints{1});
  CHECK(graph.first("AveragePool").ints.at("pads") == Ints{1, 1, 1, 1});
  CHECK(graph.first("ReduceSumSquare").ints.at("axes") == Ints{1});
  CHECK(graph.first("Softmax").ints.at("axis") == Ints{1});
  CHECK(graph.constants.at("9.epsilon").values == std::vector<float>{1e-12f});
}

TEST_CASE("export: a residual block calls its children by name, and a module may be called twice") {
  Sequential net = {Conv2d(3, 4, 3, {1, 1}), Residual(4), GlobalAvgPool2d()};
  const Decoded graph = exported(net, {1, 5, 5, 3});
  CHECK(graph.ops() == std::vector<std::string>{"Conv", "Conv", "Relu", "Conv", "Add", "GlobalAveragePool", "Flatten"});
  CHECK(graph.nodes[1].inputs == std::vector<std::string>{"0.Conv", "1.conv.weight", "1.conv.bias"});
  CHECK(graph.nodes[3].inputs == std::vector<std::string>{"1.Relu", "1.conv.weight", "1.conv.bias"});
  CHECK(graph.nodes[4].inputs == std::vector<std::string>{"1.conv.Conv_1", "0.Conv"});
}

TEST_CASE("export: the normalization of a model's images is a part of it") {
  ModelConfig config = tiny("vgg11");
  config.normalization = parse_normalization("imagenet");
  const auto model = make_model(config, cpu_backend(), 1);
  const std::vector<std::string> start = {"Mul", "Add", "Conv"};
  const Decoded alone = exported(*model, {1, 32, 32, 3}), program = exported(config);
  const std::vector<std::string> ops = alone.ops(), of_bytes = program.ops();
  CHECK(std::vector<std::string>(ops.begin(), ops.begin() + 3) == start);
  CHECK(std::vector<std::string>(of_bytes.begin() + 4, of_bytes.begin() + 7) == start);  // after the Transpose
  for (const Decoded* graph : {&alone, &program}) {
    const DecodedTensor &factor = graph->constants.at("image_factor"), &offset = graph->constants.at("image_offset");
    CHECK(factor.shape == Ints{3, 1, 1});
    CHECK(factor.values[2] == float(0.5 / 0.225));
    CHECK(offset.values[0] == float((0.5 - 0.485) / 0.229));
  }
}

TEST_CASE("export: two modules in one graph have their own weights, also where their names are the same") {
  Sequential first = {Linear(2, 2)}, second = {Linear(2, 2)};
  OnnxGraph graph("two");
  const std::string x = graph.input("0.weight", OnnxType::f32, {-1, 2});  // a name that is taken, too
  OnnxExport to(graph);
  const std::string a = to.call(first, {x, {1, 2}}).name, b = to.call(second, {x, {1, 2}}).name;
  const std::string again = to.call(first, {x, {1, 2}}).name;
  graph.output(graph.node("Sum", {a, b, again}, "y"), OnnxType::f32, {-1, 2});
  const TemporaryFolder folder;
  graph.save(folder / "a.onnx");
  const Decoded decoded = decode(slurp(folder / "a.onnx"));
  check_complete(decoded);
  CHECK(decoded.constants.size() == 4);
  for (const size_t node : {0, 1}) {
    const Module& module = node == 0 ? first : second;
    CHECK(decoded.constants.at(decoded.nodes[node].inputs[1]).values == to_file(module.parameters()[0]).values);
  }
  CHECK(decoded.nodes[2].inputs == decoded.nodes[0].inputs);
}

TEST_CASE("export: modules that share a tensor have it in the graph in the order that each needs") {
  Sequential images, rows = {Linear(12, 2)};
  images.add(Flatten());
  images.add(Linear(12, 2, 0, {FileLayout::flattened, 2, 2, 3}));
  for (size_t i = 0; i < 2; ++i) {
    Var shared = rows.parameters()[i].var;
    shared.set_value(images.parameters()[i].var.value());
  }
  OnnxGraph graph("tied");
  const std::string x = graph.input("x", OnnxType::f32, {-1, 3, 2, 2}), r = graph.input("r", OnnxType::f32, {-1, 12});
  OnnxExport to(graph);
  const std::string a = to.call(images, {x, {1, 2, 2, 3}}).name, b = to.call(rows, {r, {1, 12}}).name;
  graph.output(graph.node("Sum", {a, b}, "y"), OnnxType::f32, {-1, 2});
  const TemporaryFolder folder;
  graph.save(folder / "a.onnx");
  const Decoded decoded = decode(slurp(folder / "a.onnx"));
  CHECK(decoded.constants.at(decoded.nodes[1].inputs[1]).values == to_file(images.parameters()[0]).values);
  CHECK(decoded.constants.at(decoded.nodes[2].inputs[1]).values == to_file(rows.parameters()[0]).values);
  CHECK(decoded.constants.size() == 3);  // the bias once
}

TEST_CASE("export: what cannot be exported is refused") {
  Sequential unknown = {ReLU(), NoOnnx()};
  CHECK(contains(error_of([&] { exported(unknown, {1, 3}); }), "NoOnnx cannot be exported"));
  // The order of a flattened image is another one in the graph, so weights must be reordered for it.
  Sequential plain = {Flatten(), ReLU(), Linear(12, 1)}, stated = {Flatten(), ReLU()},
             pixel = {Flatten(), Linear(3, 1)}, gray = {Flatten(), Linear(4, 1)};
  stated.add(Linear(12, 12, 0, {FileLayout::flattened, 2, 2, 3}));
  stated.add(Linear(12, 1));  // its input is not an image any more
  CHECK(contains(error_of([&] { exported(plain, {1, 2, 2, 3}); }), "2.weight follows a flattened image"));
  CHECK(exported(stated, {1, 2, 2, 3}).count("Gemm") == 2);
  CHECK(exported(pixel, {1, 1, 1, 3}).count("Gemm") == 1);
  CHECK(exported(gray, {1, 2, 2, 1}).count("Gemm") == 1);  // of one channel both orders are the same
  Sequential normalized = {Flatten(), BatchNorm2d(12)};
  CHECK(contains(error_of([&] { exported(normalized, {1, 2, 2, 3}); }), "1.weight follows a flattened image"));

  OnnxGraph graph("test");
  graph.input("x", OnnxType::f32, {-1, 2});
  CHECK(contains(error_of([&] { graph.node("Relu", {"y"}, "z"); }), "Relu reads \"y\", which no node computes"));
  CHECK(contains(error_of([&] { graph.output("z", OnnxType::f32, {-1}); }), "no node computes the output \"z\""));
  CHECK(contains(error_of([&] { graph.constant("w", {2, 2}, {1, 2, 3}); }), "w has 3 values, but its shape needs 4"));
  CHECK(graph.node("Relu", {"x"}, "y") == "y");
  CHECK(graph.node("Relu", {"y"}, "y") == "y_1");
}

TEST_CASE("catdog export: a file from a weight file, the same bytes every time" * slow()) {
  const TemporaryFolder folder;
  const ModelConfig config = tiny("vgg11_bn", 2);
  const auto model = make_model(config, cpu_backend(), 1);
  std::map<std::string, std::string> saved = metadata(config);
  saved.insert({{"classes", "[\"cat\",\"dog\"]"},
                {"positive", "dog"},
                {"temperature", "2"},
                {"logit_shift", "0.5"},
                {"cut", "1.0986122886681098"}});  // log 3
  const std::string weights = folder / "a.safetensors";
  save_weights(*model, weights, saved);
  const auto run = [&](const std::string& more) {
    return shell(program("catdog") + " export --weights " + weights + " --output " + more);
  };
  const Result r = must_succeed(run(folder / "a.onnx"));
  CHECK(r.err == "");
  CHECK(contains(r.out,
                 "vgg11_bn, image u8 [N, 32, 32, 3] -> logit [N, 2], probability [N, 2]; predicted dog from a "
                 "probability of 0.75"));
  const Decoded graph = decode(slurp(folder / "a.onnx"));
  check_complete(graph);
  CHECK(graph.metadata.at("classes") == "[\"cat\",\"dog\"]");
  CHECK(graph.metadata.at("positive") == "dog");
  CHECK(std::stod(graph.metadata.at("threshold")) == doctest::Approx(0.75).epsilon(1e-12));
  CHECK(graph.metadata.at("model") == "vgg11_bn");
  CHECK(graph.constants.at("temperature").values == std::vector<float>{2});
  CHECK(graph.constants.at("shift").values == std::vector<float>{0, 0.5f});

  must_succeed(run(folder / "b.onnx"));
  CHECK(slurp(folder / "a.onnx") == slurp(folder / "b.onnx"));
  must_succeed(run((folder / "c.onnx") + " --positive cat --threshold 0.2"));
  const Decoded other = decode(slurp(folder / "c.onnx"));
  CHECK(other.metadata.at("positive") == "cat");
  CHECK(std::stod(other.metadata.at("threshold")) == doctest::Approx(0.2).epsilon(1e-12));
  CHECK(other.constants.at("shift").values == std::vector<float>{-0.5f, 0});  // the file's was for dogs

  // Errors, which leave the earlier file.
  const auto fails = [&](const std::string& arguments, int code, const std::string& part) {
    check_program_fails(program("catdog"), "export " + arguments, code, part);
  };
  const std::string given = "--weights " + weights + " --output " + (folder / "a.onnx");
  fails("", 2, "--");
  fails("--weights " + weights, 2, "--output");
  fails("--output " + (folder / "d.onnx"), 2, "--weights");
  fails(given + " --epochs 3", 2, "unknown option --epochs");
  fails(given + " --threshold 1.5", 2, "--threshold 1.5 is out of range");
  fails(given + " --positive mouse", 2, "the classes are cat, dog");
  fails(given + " --model resnet", 2, "valid are vgg11");
  fails(given + " --model vgg11", 3, "belong to another network");
  fails("--weights /nowhere/a.safetensors --output " + (folder / "d.onnx"), 3, "cannot open /nowhere/a.safetensors");
  fails("--weights " + weights + " --output /nowhere/a.onnx", 1, "cannot write /nowhere/a.onnx");
  fails("--weights " + weights + " --output " + folder.path(), 1, "it is a directory");
  CHECK(slurp(folder / "a.onnx") == slurp(folder / "b.onnx"));
  CHECK(!std::filesystem::exists(folder / "d.onnx"));

  saved["classes"] = "[\"cat\"]";
  save_weights(*model, weights, saved);
  fails(given, 3, "not the names of two or more classes");
}
