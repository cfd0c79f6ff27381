// catdog's options for the course of a training: clipped gradients, averages of the weights, early stopping.
#include <algorithm>
#include <cmath>

#include "core/io/safetensors.h"
#include "tests/apps/small_data.h"

using namespace counterpoise;

namespace {

const DataSet& data() {
  static const DataSet images(14, 6);
  return images;
}

Result train(const std::string& more, const TemporaryFolder& out) {
  const std::string tiny = "--model vgg11 --count cat=10,dog=14 --batch-size 8 --epochs 3 --optimizer sgd --lr 0.05 ";
  return must_succeed(catdog(data().flags(tiny + "--device cpu " + more + " --output " + out.path())));
}

// The largest difference of two files of weights.
double difference(const std::string& a, const std::string& b) {
  const SafetensorsFile one(a), other(b);
  REQUIRE(!one.names().empty());
  double worst = 0;
  for (const std::string& name : one.names()) {
    const std::vector<float> x = one.read_f32(name), y = other.read_f32(name);
    REQUIRE(x.size() == y.size());
    for (size_t i = 0; i < x.size(); ++i) worst = std::max(worst, std::fabs(double(x[i]) - y[i]));
  }
  return worst;
}

}  // namespace

TEST_CASE("--ema evaluates and saves averages of the weights, and leaves the training as it is" * slow()) {
  const TemporaryFolder plain, averaged;
  train("", plain);
  const Result r = train("--ema 0.9", averaged);
  CHECK(slurp(averaged / "steps.csv") == slurp(plain / "steps.csv"));
  CHECK(difference(averaged / "last.safetensors", plain / "last.safetensors") > 1e-4);
  const Result e =
      must_succeed(catdog("eval --weights " + (averaged / "last.safetensors") + " --data " + data().folder.path()));
  CHECK(contains(r.out, e.out));
  CHECK(result_of(averaged.path())["options"]["ema"] == 0.9);
  // An average that forgets at once is the weights, and no longer the initial ones.
  const TemporaryFolder forgetful;
  train("--ema 1e-9", forgetful);
  CHECK(difference(forgetful / "last.safetensors", plain / "last.safetensors") < 1e-6);
}

TEST_CASE("--clip-norm limits each step, and changes nothing where no gradient is longer" * slow()) {
  const TemporaryFolder plain, wide, narrow, still;
  train("--momentum 0", plain), train("--momentum 0 --clip-norm 1e9", wide);
  train("--momentum 0 --clip-norm 1e-9", narrow), train("--momentum 0 --lr 0", still);
  CHECK(slurp(wide / "steps.csv") == slurp(plain / "steps.csv"));
  CHECK(difference(wide / "last.safetensors", plain / "last.safetensors") == 0);
  CHECK(difference(plain / "last.safetensors", still / "last.safetensors") > 1e-4);
  CHECK(difference(narrow / "last.safetensors", still / "last.safetensors") < 1e-7);  // steps of 5e-11
}

TEST_CASE("--schedule plateau lowers the learning rate where the monitored metric gets no better") {
  const TemporaryFolder out;
  // A rate that changes nothing, so that no epoch after the first is better.
  const Result r = train("--schedule plateau --lr-patience 1 --lr-gamma 0.5 --epochs 6 --lr 1e-30", out);
  const std::string steps = slurp(out / "steps.csv");
  CHECK(contains(steps, ",1e-30\n"));
  CHECK(contains(steps, ",5e-31\n"));
  CHECK(contains(steps, ",2.5e-31\n"));
  CHECK(!contains(steps, ",1.25e-31\n"));
  CHECK(contains(r.err, "Learning rate times 0.5: no epoch of the last 2 had a better average-precision"));
}

TEST_CASE("--patience ends the training where the monitored metric gets no better, with everything written" * slow()) {
  const TemporaryFolder out, all;
  const Result r = train("--patience 2 --epochs 9 --lr 0", out);
  CHECK(contains(r.err, "Early stopping: no epoch since epoch 1 had a better average-precision on validation"));
  CHECK(count(slurp(out / "epochs.csv"), "\n") == 1 + 3);
  CHECK(contains(r.out, "accuracy"));
  CHECK(result_of(out.path())["best_epoch"] == 1);
  const Result e =
      must_succeed(catdog("eval --weights " + (out / "last.safetensors") + " --data " + data().folder.path()));
  CHECK(contains(r.out, e.out));
  train("--patience 3 --epochs 3 --lr 0", all);
  CHECK(count(slurp(all / "epochs.csv"), "\n") == 1 + 3);
}
