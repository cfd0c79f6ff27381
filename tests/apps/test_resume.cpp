// A run that is interrupted, wherever that happens, and resumed ends as if nothing had happened: to the bit.
#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "apps/trainer/checkpoint.h"
#include "apps/trainer/run_folder.h"
#include "core/io/safetensors.h"
#include "core/random.h"
#include "data/tables/table.h"
#include "layers/activation.h"
#include "layers/init.h"
#include "layers/linear.h"
#include "layers/sequential.h"
#include "tests/apps/running.h"
#include "tests/apps/small_data.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

// Interrupts a run at random times, by kill -9, SIGTERM and SIGINT in turn, until it ends; compares with one go. The
// environment variable INTERRUPTIONS says how often, 2 times by default: with 5 it is 30 times and more in all. The
// times are within what one go takes on this machine, and the first one within its first half, so that it comes before
// the end.
void check_interrupted(const std::string& options) {
  const char* often = std::getenv("INTERRUPTIONS");
  const int interruptions = often ? std::atoi(often) : 2;
  CAPTURE(options);
  const TemporaryFolder out;
  const std::string whole = out / "whole", pieces = out / "pieces";
  const auto start = std::chrono::steady_clock::now();
  must_succeed(shell(program("counterpoise") + " train " + options + " --output " + whole));
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  Random random(std::hash<std::string>()(options), Stream::test);
  const std::string arguments = "train " + options + " --output " + pieces + " --resume auto --checkpoint-minutes 0";
  const int signals[] = {SIGKILL, SIGTERM, SIGINT};
  int interrupted = 0;
  for (int i = 0; i < interruptions; ++i) {
    const auto longest = static_cast<uint64_t>(std::max<int64_t>(2, taken.count()));
    const std::chrono::milliseconds after(5 + random.below(i == 0 ? longest / 2 : longest));
    Running run("counterpoise", arguments);
    std::this_thread::sleep_for(after);
    run.send(signals[i % 3]);
    const int code = run.code();
    CHECK((code == 0 || code == 128 + signals[i % 3] || code == -signals[i % 3]));
    if (code == 0) break;
    ++interrupted;
  }
  CHECK(interrupted > 0);
  must_succeed(shell(program("counterpoise") + " " + arguments));
  check_same_run(pieces, whole);
}

}  // namespace

namespace {

// A training of a small network with everything that has a state: momentum, averages, dropout, a stateful loss, mixing.
struct SmallTraining {
  Table table;
  std::unique_ptr<Sequential> net;
  std::optional<Adam> optimizer;
  std::optional<Loss> loss;
  std::optional<Ema> ema;
  std::unique_ptr<DataLoader> loader;
  LoopPosition stopped_at;
  std::vector<double> losses;

  explicit SmallTraining(const std::string& loss_name) {
    Random random(3, Stream::test);
    std::vector<double> x;
    std::vector<int32_t> y;
    for (int n = 0; n < 23; ++n) {
      y.push_back(n % 4 == 0);
      for (int i = 0; i < 3; ++i) x.push_back(random.normal() + 2 * static_cast<float>(y.back()));
    }
    table = Table(x, 3, y);
    const InitScope scope(cpu_backend(), 1);
    net = std::make_unique<Sequential>();
    net->add("0", Linear(3, 8)), net->add("1", ReLU()), net->add("2", Dropout(0.3)), net->add("3", Linear(8, 1));
    optimizer.emplace(net->trainable(), 0.01);
    loss.emplace(loss_name, LossParams{{"ghm-momentum", 0.7}});
    loss->train(true);
    ema.emplace(net->trainable(), 0.9);
    DataLoaderOptions options;
    options.batch_size = 4;
    options.seed = 5;
    loader = std::make_unique<DataLoader>(table, options);
  }
  TrainingState state() { return {*net, *optimizer, *loss, &*ema}; }
  // Trains for 3 epochs from `start`; ends early after `steps` steps of all.
  void run(const LoopPosition& start, int64_t steps = 1000) {
    TrainingLoop loop;
    loop.epochs = 3;
    loop.max_steps = 18;  // all: an epoch that was stopped after its last step still ends
    loop.start = start;
    int64_t done = start.steps;
    loop.lr = [](const Step& step) { return 0.01 / (1 + 0.1 * static_cast<double>(step.index)); };
    loop.forward = [&](const Batch& batch, const Step&) { return (*loss)((*net)(batch.x), batch.labels); };
    loop.after_update = [&](const Step&) { ema->update(); };
    loop.after_step = [&](const Step& step) { done = step.index + 1, losses.push_back(step.loss); };
    loop.after_epoch = [&](const EpochResult& epoch) {
      stopped_at = epoch.position;
      losses.push_back(epoch.loss);
      return true;
    };
    loop.stop = [&] { return done >= steps; };
    loop.run(*loader, *optimizer, net->trainable());
  }
  std::vector<float> numbers() const {
    std::vector<float> all;
    for (const Parameter& p : net->parameters()) {
      for (const float x : p.var.value().to_vector<float>()) all.push_back(x);
    }
    for (const Tensor& average : ema->averages()) {
      for (const float x : average.to_vector<float>()) all.push_back(x);
    }
    return all;
  }
};

}  // namespace

TEST_CASE("checkpoint: stopped after any step, a training goes on to the bit") {
  SmallTraining whole("ghm");
  whole.run({});
  const TemporaryFolder folder;
  const std::string file = folder / "checkpoint";
  for (int64_t steps = 1; steps <= 18; ++steps) {
    CAPTURE(steps);
    {
      SmallTraining first("ghm");
      first.run({}, steps);
      save_checkpoint(file, first.state(), first.stopped_at, {{"note", steps}});
    }
    SmallTraining second("ghm");
    CHECK(checkpoint_notes(file)["note"] == steps);
    const LoopPosition position = load_checkpoint(file, second.state());
    CHECK(position.steps == steps);
    second.run(position);
    CHECK(second.numbers() == whole.numbers());
    CHECK(std::equal(second.losses.rbegin(), second.losses.rend(), whole.losses.rbegin()));  // epochs' means, too
  }
}

TEST_CASE("checkpoint: a file of another network, of another version, or damaged is refused in one line") {
  const TemporaryFolder folder;
  SmallTraining training("ghm");
  const std::string file = folder / "checkpoint";
  save_checkpoint(file, training.state(), {}, {});
  SmallTraining other("ghm");
  other.net->add("4", Linear(1, 1));
  CHECK_THROWS_WITH_AS(load_checkpoint(file, other.state()),
                       doctest::Contains("4.weight is missing or of another shape"), Error);
  const auto with_metadata = [&](std::map<std::string, std::string> metadata) {
    save_safetensors(file, {}, metadata);
    return file;
  };
  CHECK_THROWS_WITH_AS(checkpoint_notes(with_metadata({})), doctest::Contains("this is no checkpoint"), Error);
  CHECK_THROWS_WITH_AS(checkpoint_notes(with_metadata({{"format", "counterpoise-checkpoint-9"}, {"state", "{}"}})),
                       doctest::Contains("continue the run with the version that began it"), Error);
  CHECK_THROWS_WITH_AS(checkpoint_notes(with_metadata({{"format", "counterpoise-checkpoint-1"}, {"state", "{"}})),
                       doctest::Contains("damaged"), Error);
  CHECK_THROWS_WITH_AS(
      load_checkpoint(with_metadata({{"format", "counterpoise-checkpoint-1"}, {"state", "{}"}}), training.state()),
      doctest::Contains("is missing"), Error);
}

TEST_CASE("a run that is interrupted at random times and resumed ends as in one go" * slow()) {
  const DataSet data(10, 4);
  const std::string two = data.flags("--device cpu --threads 1 ");
  const std::string shapes =
      "--data synthetic:3 --count disc=20,ellipse=10,ring=6 --image-size 32 --width 0.03125 "
      "--batch-size 8 --epochs 4 --device cpu --threads 1 ";
  check_interrupted(two + "--loss ghm --ghm-momentum 0.5 --ema 0.9 --epochs 4");
  check_interrupted(
      two + "--loss equalization-v2 --epochs 4 --optimizer sgd --clip-norm 1 --schedule plateau --lr-patience 0");
  check_interrupted(two + "--loss focal --mix cutmix=1 --augment flip,rotate=0.1 --epochs 4 --crt 1 --temperature");
  check_interrupted(
      "--data synthetic:10 --count disc=6,ellipse=6,ring=6,crescent=6,triangle=6,square=6,rectangle=6,cross=6,"
      "star=3,arrow=3 --image-size 32 --width 0.03125 --epochs 3 --device cpu --threads 1 --ema 0.8 "
      "--sampler class-balanced");
  if (std::getenv("INTERRUPTIONS")) {  // half a minute: large checkpoints, and the search with dropout
    check_interrupted(two + "--head imagenet --epochs 1 --checkpoint-minutes 5");
    check_interrupted(two +
                      "--head imagenet --epochs 1 --max-steps 3 --loss autobalance --search-every 1 "
                      "--search-batches 1 --search-start 0 --neumann-terms 1");
  }
  check_interrupted(shapes +
                    "--loss autobalance --search-epochs 6 --search-start 0 --search-every 1 --search-batches 2 "
                    "--class-weights balanced --defer-weights 0.9 --epochs 1");
  check_interrupted(shapes + "--loss softmax-equalization --patience 2 --monitor log-loss --adjust-logits 1");
}

TEST_CASE("--resume: what cannot be resumed is told in one line") {
  const DataSet data;
  const TemporaryFolder out;
  const std::string folder = out / "run";
  const std::string options = data.flags("--device cpu --max-steps 2 --output " + folder);
  must_succeed(catdog(options + " --resume auto"));  // nothing to resume: it begins
  check_fails("--resume " + folder, 2, "the run there is complete");
  const Result again = must_succeed(catdog(options + " --resume auto"));
  CHECK(contains(again.err, "is complete: there is nothing to resume"));
  check_fails(options + " --resume auto --lr 0.5", 2,
              "has other options: --lr is 0.001 there, not 0.5; choose another --output");
  check_fails("--resume " + (out / "none"), 2, "there is no such folder");
  check_fails("--resume " + out.path(), 2, "there is no interrupted run with a checkpoint in it");
  check_fails("--resume " + folder + " --lr 0.5", 2, "--lr: a run that is resumed keeps its options");
  check_fails("--resume auto --output none", 2, "saves nothing to continue from");
}

TEST_CASE("--resume: a run that is killed at its very end is not trained again") {
  const DataSet data;
  const TemporaryFolder out;
  const std::string folder = out / "run", begun = data.flags("--device cpu --max-steps 2 --output " + folder);
  must_succeed(catdog(begun));
  // As if it had been killed while its files were moved.
  const std::string moving = folder + "/replacing-abcdef/";
  const auto break_off = [&] {
    make_directories(moving + "earlier");
    write_file(moving + "checkpoint.safetensors", "");
    for (const char* name : {"result.json", "config.json", "steps.csv"}) fs::rename(folder + "/" + name, moving + name);
  };
  break_off();
  const std::string weights = slurp(folder + "/last.safetensors");
  const Result again = must_succeed(catdog(begun + " --resume auto"));
  CHECK(contains(again.err, "is complete: there is nothing to resume"));
  CHECK(!contains(again.err, "Training on"));
  CHECK(fs::exists(folder + "/steps.csv"));
  CHECK(!fs::exists(folder + "/checkpoint.safetensors"));
  break_off();
  check_fails("--resume " + folder, 2, "the run there is complete");
  CHECK(fs::exists(folder + "/result.json"));
  // Where its files cannot be moved, the checkpoint stays with them.
  fs::remove(folder + "/steps.csv");
  make_directories(folder + "/steps.csv");
  check_fails(begun, 1, "steps.csv: it is a directory: move it away");
  fs::remove(folder + "/steps.csv");
  const Result last = must_succeed(catdog("--resume " + folder));
  CHECK(contains(last.err, "Resumed after step 2 of 2"));
  CHECK(slurp(folder + "/last.safetensors") == weights);
}

TEST_CASE("--resume: the folder may be a symbolic link, and what a killed run was writing does not stay in it") {
  const DataSet data;
  const TemporaryFolder out;
  make_directories(out / "elsewhere");
  fs::create_symlink(out / "elsewhere", out / "run");
  REQUIRE(stop_at_once("catdog", data.flags("--device cpu --threads 1"), out / "run"));
  const std::string work = RunFolder::find_unfinished(out / "run", checkpoint_name);
  REQUIRE(!work.empty());
  write_file(work + "/.checkpoint.safetensors.tmp-1234567", "half");
  must_succeed(catdog("--resume " + (out / "run")));
  CHECK(fs::exists(out / "elsewhere/result.json"));
  for (const auto& entry : fs::directory_iterator(out / "elsewhere")) CHECK(!contains(entry.path(), ".tmp-"));
}

TEST_CASE("the config.json of a run of three classes is read again, and resumes it") {
  const TemporaryFolder out;
  const std::string train = program("counterpoise") + " train --output ", first = out / "first", again = out / "again";
  must_succeed(shell(train + first +
                     " --data synthetic:3 --count disc=6,ellipse=4,ring=4 --image-size 32 --width 0.03125 "
                     "--batch-size 8 --max-steps 1 --device cpu --threads 1"));
  must_succeed(shell(train + again + " --config " + first + "/config.json"));
  check_same_run(again, first);
}

TEST_CASE("a run whose process still lives is not resumed") {
  const TemporaryFolder out;
  RunFolder live(out.path());
  CHECK_THROWS_WITH_AS(RunFolder(out.path(), live.path("").substr(0, live.path("").size() - 1)),
                       doctest::Contains("has not ended"), Error);
}
