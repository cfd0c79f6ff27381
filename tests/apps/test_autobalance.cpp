// --loss autobalance as a run of the trainer: what it writes, how it is resumed, what it refuses.
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/trainer/autobalance.h"
#include "apps/trainer/run_folder.h"
#include "core/io/safetensors.h"
#include "data/tables/csv.h"
#include "tests/apps/running.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;
using Json = nlohmann::json;

namespace {

const std::string shapes =
    " --data synthetic:3 --count disc=24,ellipse=12,ring=6 --image-size 32 --width 0.03125 --batch-size 8 --epochs 2 "
    "--device cpu --threads 1 --loss autobalance --search-every 2 --search-batches 2 --neumann-terms 2 ";

std::vector<std::vector<std::string>> rows_of(const std::string& path) {
  CsvReader reader(path);
  std::vector<std::vector<std::string>> rows = {reader.header()};
  for (std::vector<std::string> row; reader.next(row);) rows.push_back(row);
  return rows;
}

}  // namespace

TEST_CASE("autobalance: a run of three classes searches, then trains with what it learned, and says so" * slow()) {
  const TemporaryFolder out;
  const std::string folder = out / "run";
  const Result r =
      must_succeed(shell(program("counterpoise") + " train" + shapes + "--search-epochs 3 --output " + folder));
  // A fifth of each class, at least one image, validates: 5 + 3 + 2.
  CHECK(
      contains(r.err, "Searching for Delta and l on 32 of the training images, with 10 to validate on, for 12 steps"));
  CHECK(contains(r.err, "search 3/3"));
  CHECK(contains(r.err, "Training on 24 disc, 12 ellipse, 6 ring"));  // all of them in the training that follows

  const auto rows = rows_of(folder + "/autobalance.csv");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0] == std::vector<std::string>{"epoch", "loss", "balanced_loss", "curvature", "delta:disc",
                                            "delta:ellipse", "delta:ring", "l:disc", "l:ellipse", "l:ring"});
  // Steps 0 to 11; from 0.4 * 12 on every second one: 6, 8 and 10, in the epochs 2 and 3.
  CHECK(rows[1][2].empty());
  CHECK(rows[1][4] == "1");
  CHECK(rows[1][7] == "0");
  CHECK(std::stod(rows[2][2]) > 0);
  CHECK(rows[2][7] != "0");
  CHECK(rows[3][7] != rows[2][7]);

  const Json result = result_of(folder), learned = result.at("autobalance");
  const auto metadata = SafetensorsFile(folder + "/last.safetensors").metadata();
  const Json state = parse_json(metadata.at("loss_state"));
  const char* names[] = {"disc", "ellipse", "ring"};
  for (size_t k = 0; k < 3; ++k) {
    CHECK(learned["l"][names[k]] == state["l"][k]);
    CHECK(learned["delta"][names[k]] == state["delta"][k]);
    CHECK(state["l"][k].get<double>() == doctest::Approx(std::stod(rows[3][7 + k])));
    CHECK(learned["scale"][names[k]].get<double>() ==
          doctest::Approx(1 / (1 + std::exp(-state["delta"][k].get<double>()))));
  }
  CHECK(std::abs(learned["correlation"].get<double>()) <= 1 + 1e-9);
  CHECK(result["training_images"]["disc"] == 24);

  int events = 0;
  for (const std::string& line : lines_of(slurp(folder + "/log.jsonl"))) {
    const Json event = parse_json(line);
    if (event["event"] != "search") continue;
    ++events;
    CHECK(event["l"].size() == 3);
  }
  CHECK(events == 3);
  const std::string report = slurp(folder + "/report.html");
  CHECK(contains(report, "<section id=\"autobalance\">"));
  CHECK(contains(report, "Delta by epoch of the search"));

  // The config brings everything back, and the run is the same.
  must_succeed(
      shell(program("counterpoise") + " train --config " + folder + "/config.json --output " + (out / "again")));
  CHECK(slurp(out / "again/autobalance.csv") == slurp(folder + "/autobalance.csv"));
  CHECK(slurp(out / "again/last.safetensors") == slurp(folder + "/last.safetensors"));

  // Without a search it trains with what the initial weights' loss had learned.
  const Result given = must_succeed(shell(program("counterpoise") + " train" + shapes + "--search-epochs 0 --init " +
                                          folder + "/last.safetensors --output " + (out / "given")));
  CHECK(!contains(given.err, "Searching"));
  CHECK(SafetensorsFile(out / "given/last.safetensors").metadata().at("loss_state") == metadata.at("loss_state"));
}

TEST_CASE("autobalance: the training begins with the probabilities that the learned loss gives the classes" * slow()) {
  const TemporaryFolder out;
  const std::string train = program("counterpoise") + " train";
  // Weights for other classes, of which the head is not taken.
  must_succeed(shell(train + " --data synthetic:2 --count disc=8,ellipse=8 --image-size 32 --width 0.03125" +
                     " --max-steps 1 --device cpu --output " + (out / "other")));
  for (const std::string& start : {std::string(), "--pretrained " + (out / "other/last.safetensors")}) {
    CAPTURE(start);
    must_succeed(shell(train + shapes + start + " --lr 1e-9 --search-start 0 --search-epochs 2 --output " +
                       (out / (start.empty() ? "new" : "pretrained"))));
    const SafetensorsFile last(out / (start.empty() ? "new/last.safetensors" : "pretrained/last.safetensors"));
    const Json state = parse_json(last.metadata().at("loss_state"));
    std::vector<float> bias;
    for (const std::string& name : last.names()) {
      if (contains(name, ".bias") && last.shape(name) == std::vector<int64_t>{3}) bias = last.read_f32(name);
    }
    REQUIRE(bias.size() == 3);
    const double images[] = {24, 12, 6};
    double u[3], sum = 0;
    for (size_t k = 0; k < 3; ++k) {
      const double l = state["l"][k], scale = 1 / (1 + std::exp(-state["delta"][k].get<double>()));
      CHECK(l != 0);
      sum += u[k] = std::exp(scale * bias[k] + l);
    }
    for (size_t k = 0; k < 3; ++k) CHECK(u[k] / sum == doctest::Approx(images[k] / 42).epsilon(1e-5));
  }
}

TEST_CASE("autobalance: two classes with one logit and with two, and the number of epochs of the search" * slow()) {
  const DataSet data(8, 4);
  for (const char* outputs : {"1", "2"}) {
    const TemporaryFolder out;
    must_succeed(catdog(data.flags("--device cpu --threads 1 --loss autobalance --search-every 1 --search-batches 1 "
                                   "--tau 1 --outputs ") +
                        outputs + " --output " + out.path()));
    const auto rows = rows_of(out / "autobalance.csv");
    CHECK(rows.size() == 3);  // as many epochs as the training has
    CHECK(rows[0].size() == 8);
  }
  const auto table = [&](const char* more) {
    const TemporaryFolder out;
    must_succeed(catdog(data.flags("--device cpu --loss autobalance --search-every 1 --search-start 0 --epochs 1 ") +
                        more + " --output " + out.path()));
    return slurp(out / "autobalance.csv");
  };
  const std::string plain = table("");
  CHECK(table("--body-lr 0.1") != plain);
  // The steps of Delta and l leave the network as it was: its running statistics, and what dropout drops.
  const auto losses = [&](const char* more) {
    std::string all;
    for (const std::string& row : lines_of(table(more))) all += row.substr(0, row.find(',', row.find(',') + 1)) + "\n";
    return all;
  };
  CHECK(losses("--scale-lr 0 --shift-lr 0") == losses("--scale-lr 0 --shift-lr 0 --search-every 100"));
  const Result r = must_succeed(catdog(data.flags("--device cpu --loss autobalance --output none")));
  CHECK(contains(r.err, "Warning: the search made no step of Delta and l in its 6 steps: decrease --search-every"));
}

TEST_CASE("autobalance: what does not go with it is told in one line") {
  const DataSet data;
  const std::string flags = data.flags("--device cpu --output none --loss autobalance ");
  check_fails(flags + "--sampler oversample", 2, "--sampler oversample does not go with --loss autobalance");
  check_fails(flags + "--mix mixup=1", 2, "--mix does not go with --loss autobalance");
  check_fails(flags + "--crt 2", 2, "--crt does not go with --loss autobalance");
  check_fails(flags + "--freeze --init none.safetensors", 2, "--freeze does not go with --loss autobalance");
  check_fails(flags + "--precision bf16", 2, "--precision bf16 does not go with --loss autobalance");
  check_fails(flags + "--search-every 1.5", 2, "search-every 1.5 is not a whole number");
  check_fails(
      "train --data synthetic --count cat=40,dog=42 --batch-size 16 --image-size 32 --width 0.0625 --model resnet18 "
      "--loss autobalance --device cpu --output none",
      2, "a batch of 1 image, with which an epoch ends");
  check_fails(flags + "--search-share 1", 2, "search-share 1 is out of range: 0.01 to 0.9");
  check_fails(
      flags + "--count cat=1,dog=5", 3,
      "--loss autobalance validates its search on --search-share 0.2 of the training images of each class: class "
      "cat has 1 training image, too few to put some aside");
  check_fails(data.flags("--device cpu --output none --loss bce --search-epochs 2"), 2, "search-epochs does not apply");
}

TEST_CASE("autobalance: a search that is continued from any of its checkpoints ends with the same table and numbers") {
  std::istringstream words("train --search-epochs 2" + shapes);
  std::vector<std::string> arguments;
  for (std::string word; words >> word;) arguments.push_back(word);
  Options o = parse_options({/*lectures=*/false}, arguments);
  const TrainingData data(o);
  LossOptions loss_options;
  loss_options.counts = data.counts;
  const Loss loss(o.loss_spec, loss_options);
  const TemporaryFolder folder;
  const std::string file = folder / "checkpoint-";
  const auto search = [&](int from, int& saved) {
    const auto model = make_model(o.model, cpu_backend(), o.seed);
    AutoBalanceSearch s(o, data, cpu_backend(), *model, loss);
    if (from > 0) s.resume(file + std::to_string(from));
    AutoBalanceSearch::Hooks hooks;
    hooks.say = [](const std::string&) {};
    hooks.after_epoch = [](const nlohmann::ordered_json&) {};
    hooks.checkpoint_is_due = [] { return true; };
    hooks.checkpoint = [&](const LoopPosition& position) {
      if (from == 0) s.save(file + std::to_string(++saved), position, Json::object());
    };
    CHECK(s.run(hooks));
    return std::pair(s.table(), s.learned());
  };
  int saved = 0;
  const auto expected = search(0, saved);
  CHECK(count(expected.first, "\n") == 3);
  REQUIRE(saved > 4);  // after each step, and at the end of each epoch
  for (int from = 1; from <= saved; ++from) {
    CAPTURE(from);
    CHECK(search(from, saved) == expected);
  }
}

TEST_CASE("autobalance: a signal in the search stops it, and the message says how to go on" * slow()) {
  const TemporaryFolder out;
  const std::string folder = out / "run";
  const std::string arguments = "train" + shapes + "--search-epochs 200 --search-every 1 --epochs 1 --output " + folder;
  Running run("counterpoise", arguments);
  run.wait_for("search 2/200");
  run.send(SIGTERM);
  CHECK(run.code() == 128 + SIGTERM);
  CHECK(contains(run.err(), "Stopped by a signal in AutoBalance's search after step "));
  CHECK(contains(run.err(), "; to go on: --resume"));
  const std::string work = RunFolder::find_unfinished(folder, "checkpoint.safetensors");
  CHECK(!work.empty());
  CHECK(rows_of(work + "/autobalance.csv").size() >= 3);
}

TEST_CASE("autobalance: a run with pretrained weights that is stopped in the search goes on with these" * slow()) {
  const TemporaryFolder out;
  const std::string train = program("counterpoise") + " train", search = " --search-epochs 3 --output ";
  must_succeed(shell(train + shapes + "--search-epochs 1 --output " + (out / "file")));
  const std::string pretrained = shapes + "--lr 0.01 --pretrained " + (out / "file/last.safetensors");
  must_succeed(shell(train + pretrained + search + (out / "whole")));
  Running run("counterpoise", "train" + pretrained + search + (out / "stopped"));
  run.wait_for("search 1/3");
  run.send(SIGTERM);
  REQUIRE(run.code() == 128 + SIGTERM);
  const Result resumed = must_succeed(shell(train + " --resume " + (out / "stopped")));
  CHECK(contains(resumed.err, "Resumed AutoBalance's search"));
  CHECK(slurp(out / "stopped/last.safetensors") == slurp(out / "whole/last.safetensors"));
}
