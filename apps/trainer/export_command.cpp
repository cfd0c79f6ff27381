#include "apps/trainer/export_command.h"

#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "apps/trainer/eval_command.h"
#include "apps/trainer/format.h"
#include "apps/trainer/option_table.h"
#include "core/io/safetensors.h"
#include "layers/onnx.h"
#include "layers/weights.h"
#include "losses/metrics/posthoc.h"

namespace counterpoise {

namespace {

// clang-format off
OptionTable option_table(Options& o, std::string& head, std::string& normalize) {
  OptionTable t;
  const char* saved = "as in the file";
  t.group("Files");
  t.row(o.weights, "--weights", "FILE").required()
      .help("The weights to export. The file also says what they are for: network, image size, classes, decision");
  t.row(o.output, "--output", "FILE").required()
      .help("The ONNX file to write, such as model.onnx; one that exists is replaced");
  t.group("Network");
  t.row(o.model.name, "--model", "NAME").one_of(model_names()).otherwise(saved)
      .help("The network:");
  t.row(o.model.image_size, "--image-size", "N").range(32, 2048).otherwise(saved)
      .help("The file takes images of N x N pixels");
  t.row(o.model.width, "--width", "X").range(0.015625, 8.0).otherwise(saved)
      .help("Factor on the channels of every convolution");
  t.row(head, "--head", "NAME").one_of({"lectures", "imagenet"}).otherwise(saved)
      .help("After the convolutions: lectures (one dense layer), imagenet (dense layers of 4096, 4096 and K units)");
  t.row(normalize, "--normalize", "SPEC").otherwise(saved)
      .help("How pixels are normalized: none (x / 127.5 - 1), imagenet, cifar10, keras, or 0.5,0.4,0.4/0.2,0.2,0.2");
  t.group("Decision");
  t.row(o.positive, "--positive", "CLASS").otherwise(saved)
      .help("The class to find");
  t.row(o.threshold, "--threshold", "P").otherwise(saved)
      .help("Probability from which an image is predicted positive; the file states it");
  return t;
}
// clang-format on

constexpr const char* help_text =
    "Write trained weights as an ONNX file (opset 17), which ONNX Runtime and others run.\n\n"
    "  image        u8 [N, H, W, 3], RGB as decoded; the file scales it to x / 127.5 - 1, or as the weights need it\n"
    "  logit        f32 [N, K], with the temperature and the shift of the decision\n"
    "  probability  f32 [N, K]: K = 1 of the positive class, else of each class\n\n"
    "Its metadata hold the classes, the positive one, and the threshold: the probability of the positive class from "
    "which an image is predicted positive.";
constexpr const char* exit_codes =
    "Exit codes: 0 success, 1 failure (an unwritable file), 2 wrong command line, 3 unusable weights.";

}  // namespace

OnnxGraph onnx_graph(Model& model, const ModelConfig& config, const Decision& decision) {
  const Index S = config.image_size, K = config.outputs;
  OnnxGraph graph(config.name);
  graph.input("image", OnnxType::u8, {-1, S, S, 3});
  // As scale_pixel() computes it.
  std::string x = graph.node("Cast", {"image"}, "image_f32", {{"to", static_cast<int>(OnnxType::f32)}});
  x = graph.node("Div", {x, graph.constant("scale", {}, {127.5f})}, "image_divided");
  x = graph.node("Sub", {x, graph.constant("one", {}, {1.f})}, "image_scaled");
  x = graph.node("Transpose", {x}, "image_nchw", {{"perm", {0, 3, 1, 2}}});

  model.train(false);
  const OnnxValue z = OnnxExport(graph).call(model, {x, {1, S, S, 3}});
  CP_ENSURE(z.shape == Shape({1, K}), "ONNX: the network has outputs of shape ", z.shape, " instead of ",
            Shape({1, K}));

  // logits() of decision.h. Of two outputs it takes the difference, so that the positive one carries origin and shift.
  std::vector<float> shift(K);
  const double scale = decision.negated ? -decision.temperature : decision.temperature;
  if (K > 2) {
    for (size_t k = 0; k < decision.shifts.size(); ++k) shift[k] = static_cast<float>(decision.shifts[k]);
  } else {
    shift[K == 1 ? 0 : decision.positive] = static_cast<float>(decision.origin / scale + decision.shift);
  }
  x = graph.node("Div", {z.name, graph.constant("temperature", {}, {static_cast<float>(scale)})}, "logit_scaled");
  x = graph.node("Sub", {x, graph.constant("shift", {K}, shift)}, "logit");
  if (K >= 2) {
    graph.node("Softmax", {x}, "probability", {{"axis", 1}});
  } else if (decision.origin == 0) {
    graph.node("Sigmoid", {x}, "probability");
  } else {
    x = graph.node("Add", {x, graph.constant("origin", {}, {static_cast<float>(decision.origin)})}, "number");
    // A number below 0 stays below a threshold that is there, too, and likewise above 1.
    constexpr float largest = std::numeric_limits<float>::max();
    const double threshold = probability_of(decision.cut, decision);
    const float low = threshold > 0 ? 0 : -largest, high = threshold <= 1 ? 1 : largest;
    graph.node("Clip", {x, graph.constant("lowest", {}, {low}), graph.constant("highest", {}, {high})}, "probability");
  }
  graph.output("logit", OnnxType::f32, {-1, K});
  graph.output("probability", OnnxType::f32, {-1, K});
  return graph;
}

Exit export_command(int argc, char** argv) {
  Options o;
  std::string head, normalize;
  const OptionTable table = option_table(o, head, normalize);
  CLI::App app(help_text, usage(argv[0]));
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  table.add_to(app, "export");
  app.footer(exit_codes);
  o.given = parse_command_line(app, argc, argv);
  check_output("--output", o.output, {o.weights});

  if (head == "imagenet") o.model.head = ModelConfig::imagenet;
  if (!normalize.empty()) with_flag("--normalize", [&] { o.model.normalization = parse_normalization(normalize); });
  const auto classes_of_file = read_classes(o.weights, SafetensorsFile(o.weights).metadata());
  CP_ENSURE_AS(invalid_argument, !classes_of_file.empty() || !o.given.count("--positive"), "--positive: ", o.weights,
               " does not name its classes");
  // A file of another program names none: two then, of which the second is the positive one.
  const Classifier classifier = load_classifier(
      o, cpu_backend(), classes_of_file.empty() ? std::vector<std::string>{"0", "1"} : std::vector<std::string>());
  const std::vector<std::string>& classes = classes_of_file;
  const Decision& decision = classifier.decision;
  const OnnxGraph graph = onnx_graph(*classifier.model, o.model, decision);

  std::map<std::string, std::string> metadata = counterpoise::metadata(o.model);
  const bool binary = classifier.classes.size() == 2;
  const double threshold = o.model.outputs == 1 ? probability_of(decision.cut, decision) : probability(decision.cut);
  if (binary)
    metadata.insert({{"threshold", formatted("%.17g", threshold)}, {"cut", formatted("%.17g", decision.cut)}});
  if (o.resize != Resize::antialias) metadata["resize"] = to_string(o.resize);
  if (!classes.empty()) {
    metadata["classes"] = nlohmann::json(classes).dump();
    if (binary) metadata["positive"] = classes[decision.positive];
  }
  graph.save(o.output, metadata);
  const Index S = o.model.image_size, K = o.model.outputs;
  std::cout << text(o.output, ": ", o.model.name, ", image u8 [N, ", S, ", ", S, ", 3] -> logit [N, ", K,
                    "], probability [N, ", K, "]; predicted ");
  if (binary) {
    std::cout << text(classes.empty() ? "positive" : classes[decision.positive], " from a probability of ",
                      formatted("%.6g", threshold), "\n");
  } else {
    std::cout << text("is the most probable of ", K, " classes\n");
  }
  return Exit::ok;
}

}  // namespace counterpoise
