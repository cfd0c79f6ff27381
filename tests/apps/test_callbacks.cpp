// catdog's options for the course of a training: clipped gradients, averages of the weights, early stopping.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/program.h"

using namespace counterpoise;

namespace {

const std::string tiny =
    "--model vgg11 --count cat=10,dog=14 --image-size 32 --width 0.0625 --batch-size 8 --epochs 3 --optimizer sgd --lr "
    "0.05 --device cpu ";

Result train(const std::string& more, const TemporaryFolder& out) {
  const Result r = shell(program("catdog") + " " + tiny + more + " --output " + out.path());
  CAPTURE(r.err);
  REQUIRE(r.code == 0);
  return r;
}

long lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("--ema evaluates and saves averages of the weights, and leaves the training as it is") {
  const TemporaryFolder plain, averaged;
  train("", plain);
  const Result r = train("--ema 0.9", averaged);
  CHECK(slurp(averaged / "steps.csv") == slurp(plain / "steps.csv"));
  CHECK(slurp(averaged / "last.safetensors") != slurp(plain / "last.safetensors"));
  const Result e = shell(program("catdog") + " eval --weights " + (averaged / "last.safetensors"));
  CHECK(e.out == r.out);
  CHECK(nlohmann::json::parse(slurp(averaged / "result.json"))["options"]["ema"] == 0.9);
}

TEST_CASE("--clip-norm limits each step, and changes nothing where no gradient is longer") {
  const TemporaryFolder plain, wide, narrow;
  train("", plain), train("--clip-norm 1e9", wide), train("--clip-norm 1e-9 --momentum 0", narrow);
  CHECK(slurp(wide / "steps.csv") == slurp(plain / "steps.csv"));
  CHECK(slurp(wide / "last.safetensors").size() == slurp(plain / "last.safetensors").size());
  CHECK(slurp(narrow / "steps.csv") != slurp(plain / "steps.csv"));
  // Steps of 5e-11 leave the weights as they are, so that every epoch evaluates to the same.
  const std::string epochs = slurp(narrow / "epochs.csv");
  const auto counts = [&](size_t line) {
    size_t at = 0;
    for (size_t i = 0; i < line; ++i) at = epochs.find('\n', at) + 1;
    const std::string row = epochs.substr(at, epochs.find('\n', at) - at);
    const size_t comma = row.find(',', row.find(',') + 1);  // after epoch and loss
    return row.substr(comma, row.rfind(',') - comma);       // before the seconds
  };
  CHECK(counts(1) == counts(3));
}

TEST_CASE("--patience ends the training where F1 gets no better, with everything written") {
  const TemporaryFolder out, all;
  const Result r = train("--patience 2 --epochs 9 --lr 0", out);
  CHECK(contains(r.err, "Early stopping: no epoch since epoch 1 had a better F1 on validation"));
  CHECK(lines(slurp(out / "epochs.csv")) == 1 + 3);
  CHECK(contains(r.out, "accuracy"));
  CHECK(nlohmann::json::parse(slurp(out / "result.json"))["best_epoch"] == 1);
  const Result e = shell(program("catdog") + " eval --weights " + (out / "last.safetensors"));
  CHECK(e.out == r.out);
  train("--patience 3 --epochs 3 --lr 0", all);
  CHECK(lines(slurp(all / "epochs.csv")) == 1 + 3);
}
