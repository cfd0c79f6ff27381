// --keras, --resize and --conv-init: what the lecture's Keras program does.
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/trainer/conv_init.h"
#include "apps/trainer/data_sets.h"
#include "apps/trainer/options.h"
#include "core/io/safetensors.h"
#include "data/images/image.h"
#include "tests/apps/small_data.h"

using namespace counterpoise;

namespace {

Options parsed(std::vector<std::string> arguments, bool lectures = true) {
  arguments.insert(arguments.begin(), "train");
  return parse_options({lectures}, arguments);
}

// Synthetic animals that are larger than the network's images.
void write_animals(const std::string& folder, int count) {
  for (const Animal animal : {Animal::cat, Animal::dog}) {
    const std::string name = animal == Animal::cat ? "cat" : "dog";
    make_directories(folder + "/" + name);
    for (int i = 0; i < count; ++i)
      write_bmp(folder + "/" + name + "/" + std::to_string(i) + ".bmp", draw_animal(animal, 100, 5, i), 100);
  }
}

}  // namespace

TEST_CASE("keras: convolutions are drawn from Glorot's uniform distribution, and nothing else is changed") {
  ModelConfig config;
  config.width = 0.25, config.image_size = 32;
  const auto model = make_model(config, cpu_backend(), 1), he = make_model(config, cpu_backend(), 1);
  glorot_convolutions(*model, 1);
  const std::vector<Parameter> before = he->parameters(), after = model->parameters();
  std::vector<float> last;
  for (size_t i = 0; i < after.size(); ++i) {
    const std::vector<float> values = after[i].var.value().to_vector<float>();
    CAPTURE(after[i].name);
    if (after[i].layout.kind != FileLayout::conv) {
      CHECK(values == before[i].var.value().to_vector<float>());
      continue;
    }
    const Shape shape = after[i].var.shape();
    const double bound = std::sqrt(6. / (9. * static_cast<double>(shape[0] + shape[3])));
    double largest = 0, square = 0;
    for (const float value : values) largest = std::max<double>(largest, std::fabs(value)), square += value * value;
    const double n = static_cast<double>(values.size());
    CHECK(largest <= bound);
    CHECK(largest > 0.97 * bound);
    CHECK(std::fabs(square / n / (bound * bound / 3) - 1) < 4 / std::sqrt(n));
    CHECK(std::vector<float>(values.begin(), values.begin() + 9) != last);  // of each layer other numbers
    last.assign(values.begin(), values.begin() + 9);
  }
  const auto again = make_model(config, cpu_backend(), 7);
  glorot_convolutions(*again, 1);
  CHECK(again->parameters()[0].var.value().to_vector<float>() == after[0].var.value().to_vector<float>());
}

TEST_CASE("keras: the preset sets what is not given") {
  const TemporaryFolder folder;
  for (const bool lectures : {true, false}) {
    Options o = parsed({"--data", folder.path(), "--keras"}, lectures);
    resolve_for_classes(o, 2);
    CHECK(o.model.name == "vgg16");
    CHECK(o.model.width == 1);
    CHECK(o.image_size == 160);
    CHECK(o.batch_size == 256);
    CHECK(o.resize == Resize::keras);
    CHECK(to_string(o.augment) == "flip,rotate=0.2");
    CHECK(o.conv_init == "glorot");
    CHECK(o.model.head_init == ModelConfig::glorot);
    CHECK(!o.prior_bias);
    const auto json = to_json(o);
    CHECK(json["resize"] == "keras");
    CHECK(json["conv-init"] == "glorot");
    CHECK(!json.contains("keras"));
  }
  Options given = parsed({"--data", folder.path(), "--keras", "--batch-size", "32", "--resize", "antialias",
                          "--conv-init", "he", "--head-init", "normal", "--width", "0.5"});
  resolve_for_classes(given, 2);
  CHECK(given.batch_size == 32);
  CHECK(given.resize == Resize::antialias);
  CHECK(given.conv_init == "he");
  CHECK(given.model.head_init == ModelConfig::normal);
  CHECK(given.model.width == 0.5);
  CHECK(!to_json(given).contains("resize"));
  // Synthetic images are not resized, and keep their small network.
  const Options synthetic = parsed({"--keras"});
  CHECK(synthetic.resize == Resize::antialias);
  CHECK(synthetic.image_size == 48);
  CHECK(synthetic.batch_size == 256);
  CHECK(contains(error_of([] { parsed({"--resize", "keras"}); }, ErrorKind::invalid_argument), "not resized"));
  CHECK(contains(error_of([] { parsed({"--interpolation", "keras"}); }, ErrorKind::invalid_argument), "--resize?"));
}

TEST_CASE("keras: images are read with the resizing that the options say") {
  const TemporaryFolder folder;
  write_animals(folder / "train", 2), write_animals(folder / "validation", 1);
  for (const char* how : {"antialias", "keras"}) {
    Options o = parsed({"--data", folder.path(), "--image-size", "32", "--resize", how});
    const TrainingData data(o);
    const Image original = decode_image(data.training->samples()[0].path);
    CHECK(*data.training->load(0) == resize(original, 32, 32, parse_resize(how)).rgb);
    CHECK(*data.validation->load(1) ==
          resize(decode_image(data.validation->samples()[1].path), 32, 32, parse_resize(how)).rgb);
  }
  Options o = parsed({"--data", folder.path(), "--count", "cat=1"});
  CHECK(TrainingData(o).keras_lines() ==
        std::vector<std::string>{"Found 4 files belonging to 2 classes.", "Found 2 files belonging to 2 classes."});
  const TemporaryFolder unsplit;
  write_animals(unsplit.path(), 10);
  Options drawn = parsed({"--data", unsplit.path(), "--split", "0.8/0.2"});
  CHECK(TrainingData(drawn).keras_lines() ==
        std::vector<std::string>{"Found 20 files belonging to 2 classes.", "Using 16 files for training.",
                                 "Found 20 files belonging to 2 classes.", "Using 4 files for validation."});
  Options synthetic = parsed({});
  CHECK(TrainingData(synthetic).keras_lines().empty());
}

TEST_CASE("keras: weights say how their images were resized, and eval and predict do the same" * slow()) {
  const TemporaryFolder folder;
  write_animals(folder / "data/train", 8), write_animals(folder / "data/validation", 6);
  const std::string data = "--data " + (folder / "data"), run = folder / "run", weights = run + "/last.safetensors";
  const Result r =
      must_succeed(catdog(data + " --keras --image-size 32 --width 0.0625 --epochs 2 --batch-size 8 --output " + run));
  CHECK(contains(r.err, "Found 16 files belonging to 2 classes.\nFound 12 files belonging to 2 classes.\n"));
  CHECK(SafetensorsFile(weights).metadata().at("resize") == "keras");

  must_succeed(catdog("eval " + data + " --batch-size 8 --weights " + weights + " --output " + (folder / "eval")));
  CHECK(slurp(folder / "eval/predictions.csv") == slurp(run + "/predictions.csv"));
  must_succeed(catdog("eval " + data + " --batch-size 8 --weights " + weights + " --resize antialias --output " +
                      (folder / "other")));
  CHECK(slurp(folder / "other/predictions.csv") != slurp(run + "/predictions.csv"));

  const std::string image = folder / "data/validation/cat/0.bmp";
  const Result predicted = must_succeed(catdog("predict --weights " + weights + " --logits " + image));
  const std::string csv = slurp(run + "/predictions.csv");
  const size_t row = csv.find(image + ",1,") + image.size() + 3;
  CHECK(contains(predicted.out, "," + csv.substr(row, 8)));
}
