// Training that begins with pretrained weights: --pretrained, --freeze, --body-lr, --normalize, and eval of weights of
// other programs.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "core/io/safetensors.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

using Values = std::vector<float>;

std::string common() {
  static const DataSet data(24, 4);
  return data.flags("--model resnet20 --width 0.25 --count cat=12,dog=24 --epochs 1 --batch-size 12 --device cpu ");
}

// The weights of a training of a few steps, by the loss with one output or another one.
std::string pretrain(const TemporaryFolder& folder, const std::string& name, const std::string& options) {
  must_succeed(catdog(common() + options + " --output " + (folder / name)));
  return folder / (name + "/last.safetensors");
}

Values values(const std::string& file, const std::string& name) { return SafetensorsFile(file).read_f32(name); }

}  // namespace

TEST_CASE("pretraining: the body is the file's, the head is new, and both are trained at their own rate" * slow()) {
  const TemporaryFolder folder;
  const std::string file = pretrain(folder, "a", "--loss cross-entropy --normalize imagenet");
  // A learning rate of 0 shows what training begins with.
  const std::string start = pretrain(folder, "start", "--pretrained " + file + " --lr 0");
  CHECK(values(start, "layer1.0.conv1.weight") == values(file, "layer1.0.conv1.weight"));
  CHECK(SafetensorsFile(start).shape("linear.weight") == std::vector<int64_t>{1, 16});
  CHECK(SafetensorsFile(start).metadata().at("mean") == SafetensorsFile(file).metadata().at("mean"));
  CHECK(values(start, "bn1.running_mean") != values(file, "bn1.running_mean"));  // batch normalization goes on

  const std::string frozen = pretrain(folder, "frozen", "--pretrained " + file + " --freeze");
  for (const std::string& name : SafetensorsFile(file).names()) {
    CAPTURE(name);
    if (name.rfind("linear.", 0) != 0) CHECK(values(frozen, name) == values(file, name));
  }
  CHECK(values(frozen, "linear.weight") != values(start, "linear.weight"));

  const std::string still = pretrain(folder, "still", "--pretrained " + file + " --body-lr 0");
  CHECK(values(still, "layer1.0.conv1.weight") == values(file, "layer1.0.conv1.weight"));
  CHECK(values(still, "linear.weight") != values(start, "linear.weight"));
  const std::string slow = pretrain(folder, "slow", "--pretrained " + file + " --body-lr 0.5");
  CHECK(values(slow, "layer1.0.conv1.weight") != values(file, "layer1.0.conv1.weight"));

  check_fails(common() + "--pretrained " + file + " --conv-init glorot --output none", 2,
              "--conv-init has no effect where the convolutions' weights come from a file");
  // The options of a run with --keras and pretrained weights can be given again.
  pretrain(folder, "keras", "--keras --pretrained " + file);
  const Result again = must_succeed(catdog("--output none --config " + (folder / "keras/config.json")));
  const std::string averaged = pretrain(folder, "averaged", "--ema 0.9 --freeze --pretrained " + file);
  CHECK(values(averaged, "layer1.0.conv1.weight") == values(file, "layer1.0.conv1.weight"));

  // The options of the run name everything again, so that the file may be gone.
  const auto options = parse_json(slurp(folder / "frozen/config.json")).at("options");
  CHECK(options.at("freeze") == true);
  CHECK(options.at("normalize") == "imagenet");
  CHECK(options.at("pretrained") == file);
  REQUIRE(std::remove(file.c_str()) == 0);
  must_succeed(catdog("show --run " + (folder / "frozen") + " --output " + (folder / "shown")));
}

TEST_CASE("pretraining: weights without metadata are evaluated with the network and normalization that are given" *
          slow()) {
  const TemporaryFolder folder;
  const std::string file = pretrain(folder, "a", "--loss cross-entropy --normalize imagenet"),
                    bare = folder / "b.safetensors";
  std::vector<FileTensor> tensors;
  std::vector<Values> stored;
  const SafetensorsFile source(file);
  stored.reserve(source.names().size());
  for (const std::string& name : source.names()) {
    stored.push_back(source.read_f32(name));
    tensors.emplace_back(name, source.shape(name), stored.back());
  }
  save_safetensors(bare, tensors);
  const auto evaluated = [&](const std::string& weights, const std::string& options) {
    must_succeed(catdog("eval --device cpu --weights " + weights + " --output " + (folder / "eval") + options));
    return slurp(folder / "eval/predictions.csv");
  };
  const std::string given = " --model resnet20 --width 0.25 --image-size 32";
  CHECK(evaluated(bare, given + " --normalize imagenet") == evaluated(file, ""));
  CHECK(evaluated(bare, given) != evaluated(file, ""));
  check_fails("eval --device cpu --weights " + bare, 3, "does not say which network it is for: see --model");
  // Without --width it is 1, as in other programs' networks.
  check_fails("eval --device cpu --weights " + bare + " --model resnet20 --image-size 32", 3,
              "instead of [16, 3, 3, 3]");
}

TEST_CASE("pretraining: what does not fit is one clear line" * slow()) {
  const TemporaryFolder folder;
  const std::string file = pretrain(folder, "a", "--loss cross-entropy");
  const std::string small = "--count cat=8,dog=8 --image-size 32 --width 0.25 --epochs 1 --device cpu --output none ";
  check_fails(small + "--pretrained " + file + " --model resnet32", 3, "belong to another network");
  check_fails(small + "--pretrained " + (folder / "none.safetensors"), 3, "none.safetensors");
  // --check says the same, without training; also of a file whose head does not fit, which is no error.
  check_fails(small + "--pretrained " + file + " --model resnet32 --check", 3, "belong to another network");
  check_fails(small + "--pretrained " + (folder / "none.safetensors") + " --check", 3, "none.safetensors");
  check_fails(small + "--model resnet20 --init " + file + " --check", 3, "linear.weight [2, 16] instead of [1, 16]");
  must_succeed(catdog("train " + small + "--pretrained " + file + " --check"));
  check_fails(small + "--pretrained " + file + " --init " + file, 2, "--init");
  check_fails(small + "--model resnet20 --init " + file, 3, "linear.weight [2, 16] instead of [1, 16]");
  check_fails(small + "--pretrained " + file + " --freeze --body-lr 0.1", 2, "--body-lr");
  check_fails(small + "--freeze", 2, "--pretrained or --init");
  check_fails(small + "--normalize other", 2, "unknown normalization \"other\"; valid are none, imagenet");
  // 17 images in batches of 16: the last stage of a ResNet-18 has one pixel at 32x32.
  check_fails(
      "--count cat=8,dog=9 --batch-size 16 --image-size 32 --width 0.0625 --epochs 1 --device cpu --output none "
      "--model resnet18",
      2, "a batch of 1 image");
}
