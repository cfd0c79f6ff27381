// What the trainer must survive: runs that end in any phase, damaged and foreign files, and users who ask for what
// cannot be.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "apps/trainer/checkpoint.h"
#include "core/io/safetensors.h"
#include "data/tables/csv.h"
#include "losses/registry.h"
#include "tests/apps/running.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

Result counterpoise_train(const std::string& arguments) {
  return shell(program("counterpoise") + " train " + arguments);
}

void check_command_fails(const std::string& arguments, int code, const std::string& part) {
  check_program_fails(program("counterpoise"), arguments, code, part);
}

// The folder in `run` in which an interrupted run keeps its files.
std::string work_of(const std::string& run) {
  for (const auto& entry : fs::directory_iterator(run)) {
    if (contains(entry.path().filename(), "unfinished-")) return entry.path();
  }
  return "";
}

// Replaces the weights' metadata.
void save_with(const std::string& from, const std::string& to, const std::map<std::string, std::string>& changes) {
  const SafetensorsFile file(from);
  std::vector<std::vector<float>> values;
  std::vector<FileTensor> tensors;
  values.reserve(file.names().size());
  for (const std::string& name : file.names()) {
    values.push_back(file.read_f32(name));
    tensors.emplace_back(name, file.shape(name), values.back());
  }
  auto metadata = file.metadata();
  for (const auto& [key, value] : changes) {
    if (value.empty()) metadata.erase(key);
    else metadata[key] = value;
  }
  save_safetensors(to, tensors, metadata);
}

const std::vector<std::string> three = {"a", "b", "c"};

}  // namespace

TEST_CASE("a run that is stopped before its first step can be resumed as it says, to the same result") {
  const ShapeSet two({"first", "second"}, {{"train", 6}, {"validation", 4}});
  const ShapeSet more(three, {{"train", 5}, {"validation", 3}, {"test", 3}});
  for (const ShapeSet* data : {&two, &more}) {
    const TemporaryFolder out;
    const std::string whole = out / "whole", pieces = out / "pieces";
    must_succeed(counterpoise_train(data->flags("--ema 0.9 --output " + whole)));
    REQUIRE(stop_at_once("counterpoise", "train " + data->flags("--ema 0.9"), pieces));
    CHECK(fs::exists(work_of(pieces) + "/checkpoint.safetensors"));
    must_succeed(counterpoise_train("--resume " + pieces));
    check_same_run(pieces, whole);
  }
}

TEST_CASE("the options of a run of more than two classes can be given again, by --config and by --resume") {
  const ShapeSet data(three, {{"train", 10}, {"validation", 3}});
  const TemporaryFolder out;
  const std::string first = out / "first", second = out / "second";
  must_succeed(counterpoise_train(data.flags("--temperature --max-steps 2 --output " + first)));
  for (const char* config : {"result.json", "config.json"}) {
    must_succeed(counterpoise_train("--config " + first + "/" + config + " --output " + second));
    check_same_run(second, first);
  }
  // With images of another number of classes, too.
  const ShapeSet other({"first", "second"}, {{"train", 3}, {"validation", 2}});
  const std::string to_two = "--config " + first + "/config.json --max-steps 1 --data " + other.folder.path();
  must_succeed(counterpoise_train(to_two + " --no-shuffle --hold-out 0.4 --output " + (out / "two")));
  const std::string to_three = "--config " + (out / "two/config.json") + " --data " + data.folder.path();
  check_command_fails("train " + to_three + " --output none", 2, "--outputs 2: there are 3 classes");
  must_succeed(counterpoise_train(to_three + " --outputs 3 --output none"));
  check_command_fails("train " + data.flags("--threshold 0.3 --output none"), 2, "a threshold is for two classes");
  check_command_fails("train " + data.flags("--hold-out 0.2 --output none"), 2, "--hold-out goes with --temperature");
}

TEST_CASE("an end of the run that fails can be repeated: techniques apply to the trained weights once") {
  const ShapeSet data(three, {{"train", 5}, {"validation", 3}, {"test", 3}});
  for (const std::string techniques : {"--tau-norm 0.5", "--tau-norm 0.5 --crt 1 --adjust-logits 1 --temperature"}) {
    CAPTURE(techniques);
    const TemporaryFolder out;
    const std::string whole = out / "whole", pieces = out / "pieces";
    must_succeed(counterpoise_train(data.flags(techniques + " --output " + whole)));
    REQUIRE(stop_at_once("counterpoise", "train " + data.flags(techniques), pieces));
    const std::string work = work_of(pieces);
    for (const char* file : {"predictions.csv", "result.json"}) {
      CAPTURE(file);
      make_directories(work + "/" + file);
      check_command_fails("train --resume " + pieces, 1, file);
      CHECK(!fs::exists(pieces + "/result.json"));
      CHECK(fs::exists(work + "/checkpoint.safetensors"));
      fs::remove(work + "/" + file);
    }
    must_succeed(counterpoise_train("--resume " + pieces));
    check_same_run(pieces, whole);
  }
}

TEST_CASE("classes with line breaks, commas and quotation marks in their names: a run goes on with its tables") {
  const ShapeSet data({"a\nb", "c,\"d\"", "z\nz"}, {{"", 10}});
  const TemporaryFolder out;
  const std::string run = out / "run";
  {
    Running first("counterpoise", "train " + data.flags("--epochs 100000 --output " + run));
    first.wait_for("epoch 2/");
    first.send(SIGTERM);
    REQUIRE(first.code() == 143);
  }
  {
    Running second("counterpoise", "train --resume " + run);
    second.wait_for("epoch 4/");
    second.send(SIGINT);
    REQUIRE(second.code() == 130);
  }
  CsvReader epochs(work_of(run) + "/epochs.csv");
  CHECK(epochs.header().back() == "gradient:z\nz");
  int last = 0;
  for (std::vector<std::string> row; epochs.next(row);) CHECK(row[0] == std::to_string(++last));
  CHECK(last >= 4);
}

TEST_CASE("a threshold that cannot be chosen as asked is told, and the trained network is evaluated all the same") {
  const ShapeSet data({"first", "second"}, {{"train", 8}, {"validation", 6}, {"test", 4}});
  // The validation images are the other class's: the higher the logit, the more likely negative.
  const TemporaryFolder out;
  const std::string run = out / "run";
  fs::rename(data.folder / "validation/first", data.folder / "validation/x");
  fs::remove_all(data.folder / "validation/second");
  make_directories(data.folder / "validation/second");
  fs::rename(data.folder / "validation/x", data.folder / "validation/first");
  for (const std::string rule : {"precision=0.99", "recall=0.9", "f1"}) {
    CAPTURE(rule);
    const Result r =
        must_succeed(counterpoise_train(data.flags("--positive second --threshold " + rule + " --output " + run)));
    if (rule == "f1") continue;
    CHECK(contains(r.err, "Warning: on the 6 validation images no threshold can be chosen by"));
    CHECK(contains(r.err, "the threshold is 0.5"));
    CHECK(result_of(run)["decision"]["rule"] == "0.5");
    CHECK(result_of(run)["decision"]["threshold"] == 0.5);
    CHECK(!contains(r.out, "chosen by"));
  }
}

TEST_CASE("a result holds no files of the run that it replaces") {
  const ShapeSet split({"first", "second"}, {{"", 12}}), given({"first", "second"}, {{"train", 6}, {"validation", 4}});
  const TemporaryFolder out;
  const std::string run = out / "run", fresh = out / "fresh";
  const auto files = [](const std::string& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename());
    return names;
  };
  must_succeed(counterpoise_train(split.flags("--max-steps 1 --output " + run)));
  CHECK(files(run).count("predictions-validation.csv") + files(run).count("split.csv") == 2);
  write_file(run + "/notes.txt", "a user's");
  const std::set<std::string> before = files(run);
  must_succeed(counterpoise_train(given.flags("--max-steps 1 --output " + fresh)));
  // A result that cannot be replaced stays as it was.
  make_directories(run + "/a");
  fs::rename(run + "/report.html", run + "/a/report.html");
  fs::rename(run + "/a", run + "/report.html");
  check_command_fails("train " + given.flags("--max-steps 1 --output " + run), 1, "it is a directory");
  fs::rename(run + "/report.html", run + "/a");
  fs::rename(run + "/a/report.html", run + "/report.html");
  fs::remove(run + "/a");
  fs::remove_all(work_of(run));
  CHECK(files(run) == before);
  must_succeed(counterpoise_train(given.flags("--max-steps 1 --output " + run)));
  std::set<std::string> now = files(run), alone = files(fresh);
  CHECK(now.erase("notes.txt") == 1);
  const auto without_curves = [](const std::set<std::string>& names) {
    std::set<std::string> others;
    for (const std::string& name : names) {
      if (!contains(name, "tfevents")) others.insert(name);
    }
    return others;
  };
  CHECK(without_curves(now) == without_curves(alone));
  CHECK(now.size() == alone.size());
}

TEST_CASE("classes without validation or test images are told, and undefined metrics are null") {
  const ShapeSet data({"first", "second"}, {{"train", 6}, {"validation", 4}, {"test", 4}});
  const TemporaryFolder out;
  fs::remove_all(data.folder / "validation/second");
  const std::string monitored = "--positive second --monitor roc-auc --patience 3 --output " + (out / "run");
  const Result r = must_succeed(counterpoise_train(data.flags(monitored)));
  CHECK(contains(r.err, "Warning: there are no validation images of second: epochs cannot be compared"));
  CHECK(!contains(r.err, "test images of"));
  CHECK(result_of(out / "run")["best_value"].is_null());
  fs::remove_all(data.folder / "test/first");
  const Result s = must_succeed(counterpoise_train(data.flags("--positive second --output " + (out / "other"))));
  CHECK(contains(s.err, "Warning: there are no test images of first: the result says nothing about them"));
  CHECK(result_of(out / "other")["roc_auc"].is_null());
}

TEST_CASE("a learning rate that falls on a plateau of an undefined metric stays low when the run is resumed") {
  const ShapeSet data({"first", "second"}, {{"train", 4}, {"validation", 4}});
  fs::remove_all(data.folder / "validation/second");
  const TemporaryFolder out;
  const std::string run = out / "run";
  const std::string schedule = "--monitor roc-auc --schedule plateau --lr-patience 0 --lr-gamma 0.5 --epochs 100000 ";
  for (const std::string& arguments : {data.flags(schedule + "--output " + run), "--resume " + run}) {
    Running part("counterpoise", "train " + arguments);
    part.wait_for(arguments[2] == 'd' ? "epoch 2/" : "epoch ");
    part.send(SIGTERM);
    REQUIRE(part.code() == 143);
  }
  CsvReader steps(work_of(run) + "/steps.csv");
  int last = 0;
  for (std::vector<std::string> row; steps.next(row); last = std::stoi(row[1])) {
    CAPTURE(row[1]);
    if (std::stoi(row[1]) < 30)
      CHECK(std::stod(row[3]) == doctest::Approx(1e-3 * std::pow(0.5, std::stoi(row[1]) - 1)));
  }
  CHECK(last >= 3);
}

TEST_CASE("checkpoints, logs and options that were damaged are refused in one line") {
  const ShapeSet data({"first", "second"}, {{"train", 6}, {"validation", 4}});
  const TemporaryFolder out;
  const std::string run = out / "run", copy = out / "copy";
  {
    Running first("counterpoise", "train " + data.flags("--epochs 100000 --output " + run));
    first.wait_for("epoch 1/");
    first.send(SIGTERM);
    REQUIRE(first.code() == 143);
  }
  const std::string work = copy + work_of(run).substr(run.size());
  const auto check_refused = [&](int code, const std::string& part, const std::function<void()>& damage) {
    CAPTURE(part);
    fs::remove_all(copy);
    fs::copy(run, copy, fs::copy_options::recursive);
    damage();
    check_program_fails("timeout 60 " + program("counterpoise"), "train --resume " + copy, code, part);
    CHECK(!fs::exists(copy + "/result.json"));
  };
  const std::string checkpoint = work + "/checkpoint.safetensors";
  check_refused(3, "checkpoint.safetensors: this checkpoint is damaged: begin another run",
                [&] { fs::resize_file(checkpoint, 5000); });
  check_refused(3, "checkpoint.safetensors: this checkpoint is damaged: begin another run",
                [&] { fs::resize_file(checkpoint, fs::file_size(checkpoint) - 1); });
  check_refused(3, "continue the run with the version that began it", [&] {
    save_with(checkpoint, checkpoint, {{"format", "counterpoise-checkpoint-2"}});
  });
  const std::string best = work + "/best.safetensors";
  check_refused(3, "best.safetensors", [&] { fs::remove(best); });
  check_refused(3, "best.safetensors: this checkpoint is damaged: begin another run",
                [&] { fs::resize_file(best, 5000); });
  check_refused(3, "steps.csv: has fewer rows than the checkpoint beside it says",
                [&] { write_file(work + "/steps.csv", slurp(work + "/steps.csv").substr(0, 40)); });
  check_refused(3, "config.json", [&] { fs::remove(work + "/config.json"); });
  check_refused(3, "config.json: is no JSON", [&] { write_file(work + "/config.json", "{\"options\": {"); });
  check_refused(2, "there is no option \"warp\" in this version",
                [&] { write_file(work + "/config.json", R"({"options": {"warp": 9}})"); });
  const auto with_state = [&](const std::function<void(nlohmann::json&)>& change) {
    auto state = parse_json(SafetensorsFile(checkpoint).metadata().at("state"));
    change(state);
    save_with(checkpoint, checkpoint, {{"state", state.dump()}});
  };
  for (const int field : {0, 1, 2, 3, 4}) {
    check_refused(3, "this checkpoint is damaged",
                  [&] { with_state([&](auto& state) { state["position"][field] = -3; }); });
  }
  check_refused(3, "this checkpoint is damaged", [&] { with_state([](auto& state) { state["position"][0] = 0; }); });
  check_refused(3, "this checkpoint is damaged",
                [&] { with_state([](auto& state) { state["notes"].erase("epochs"); }); });
  check_refused(3, "this checkpoint is damaged",
                [&] { with_state([](auto& state) { state["notes"]["images"] = {1}; }); });
  check_refused(3, "this checkpoint is damaged", [&] { fs::resize_file(checkpoint, 0); });
  // One of an earlier version, which counted neither moves nor sizes.
  fs::remove_all(copy);
  fs::copy(run, copy, fs::copy_options::recursive);
  with_state([](auto& state) { state["notes"]["images"] = 123456789; });
  {
    Running resumed("counterpoise", "train --resume " + copy);
    resumed.wait_for("Warning: the checkpoint is of an earlier version");
  }
  // Of another network.
  const std::string other = out / "other";
  REQUIRE(stop_at_once("counterpoise", "train " + data.flags("--width 0.0625"), other));
  check_refused(3, "this checkpoint is of another network", [&] {
    fs::copy(work_of(other) + "/checkpoint.safetensors", checkpoint, fs::copy_options::overwrite_existing);
    fs::copy(work_of(other) + "/config.json", work + "/config.json2");
    with_state([&](auto& state) {
      state["notes"] =
          parse_json(SafetensorsFile(work_of(run) + "/checkpoint.safetensors").metadata().at("state"))["notes"];
    });
  });
}

TEST_CASE("a run that is alive is not resumed") {
  const ShapeSet data({"first", "second"}, {{"train", 6}, {"validation", 4}});
  const TemporaryFolder out;
  const std::string run = out / "run", options = data.flags("--epochs 100000 --output " + run);
  Running first("counterpoise", "train " + options);
  first.wait_for("epoch 2/");
  check_command_fails("train --resume " + run, 2, "the run that writes there has not ended");
  check_command_fails("train --resume auto " + options, 2, "the run that writes there has not ended");
  first.send(SIGTERM);
  CHECK(first.code() == 143);
  CHECK(!fs::exists(run + "/result.json"));
}

TEST_CASE("a signal ends the commands that save nothing at once") {
  const TemporaryFolder out;
  make_directories(out / "data/a");
  make_directories(out / "data/b");
  write_bmp(out / "data/a/0.bmp", draw_shape(0, 32, 1, 0), 32);
  for (int i = 1; i < 4000; ++i)
    fs::create_hard_link(out / "data/a/0.bmp", out / ((i % 2 ? "data/a/" : "data/b/") + std::to_string(i) + ".bmp"));
  for (const int signal : {SIGTERM, SIGINT}) {
    Running check("counterpoise", "check " + (out / "data") + " --workers 1 --write-groups " + (out / "groups.csv"));
    usleep(60000);
    check.send(signal);
    CHECK(check.code() == -signal);
    CHECK(!fs::exists(out / "groups.csv"));
  }
}

TEST_CASE("weights that do not say which classes they are for, or not so many, are refused") {
  const ShapeSet data(three, {{"train", 3}, {"validation", 2}, {"test", 2}});
  const TemporaryFolder out;
  const std::string run = out / "run", changed = out / "changed.safetensors";
  must_succeed(counterpoise_train(data.flags("--max-steps 1 --output " + run)));
  const std::string images = " " + (data.folder / "test");
  const auto check_refused = [&](const std::map<std::string, std::string>& changes, const std::string& part) {
    save_with(run + "/best.safetensors", changed, changes);
    const std::string predictions = out / "predictions.csv", onnx = out / "model.onnx";
    check_command_fails("predict --weights " + changed + images + " --output " + predictions, 3, part);
    CHECK(!fs::exists(predictions));
    check_command_fails("eval --weights " + changed + " --data " + data.folder.path(), 3, "changed.safetensors: ");
    check_command_fails("export --weights " + changed + " --output " + onnx, 3, "changed.safetensors: ");
    CHECK(!fs::exists(onnx));
  };
  check_refused({{"classes", R"(["a", "b"])"}}, "has 3 outputs, which do not tell 2 classes apart");
  check_refused({{"classes", R"(["a"])"}}, "are not the names of two or more classes");
  check_refused({{"classes", R"(["a", "b", "a"])"}}, "are not the names of two or more classes");
  save_with(run + "/best.safetensors", changed, {{"classes", ""}});
  check_command_fails("predict --weights " + changed + images, 3, "does not say which classes it tells apart");
  must_succeed(shell(program("counterpoise") + " eval --weights " + changed + " --data " + data.folder.path()));
  // Images of other classes.
  const ShapeSet two({"first", "second"}, {{"train", 3}, {"validation", 2}});
  check_command_fails("eval --weights " + run + "/best.safetensors --data " + two.folder.path(), 3,
                      "was trained on the classes a, b, c but the images are of first, second");
}

TEST_CASE("every loss trains three classes, or says which ones do") {
  const ShapeSet data(three, {{"train", 3}, {"validation", 2}});
  for (const LossInfo& loss : losses()) {
    CAPTURE(loss.name);
    const std::string arguments = data.flags("--max-steps 1 --output none --loss " + loss.name);
    if (loss.outputs & LossInfo::logit_per_class) {
      const Result r = must_succeed(counterpoise_train(arguments));
      CHECK(contains(r.out, "macro avg"));
    } else {
      check_command_fails("train " + arguments, 2, "is for two classes, and there are 3; these take more: ");
    }
  }
}

TEST_CASE("samplers, mixing and techniques with three classes, evaluated again to the last digit" * slow()) {
  const ShapeSet data(three, {{"train", 6}, {"validation", 3}, {"test", 3}});
  const TemporaryFolder out;
  const std::string run = out / "run", again = out / "again";
  for (const std::string more :
       {"--sampler undersample --mix mixup=0.4", "--sampler oversample --mix cutmix=1 --crt 1",
        "--sampler class-balanced --mix remix=1 --tau-norm 0.7", "--sampler balanced-batch --temperature",
        "--sampler repeat-factor --adjust-logits 1.5",
        "--crt 1 --tau-norm 0.7 --temperature --adjust-logits 0.5 --ema 0.9 --head imagenet --model vgg11"}) {
    CAPTURE(more);
    must_succeed(counterpoise_train(data.flags(more + " --max-steps 4 --output " + run)));
    for (const auto& [split, csv] :
         {std::pair("test", "/predictions.csv"), std::pair("validation", "/predictions-validation.csv")}) {
      must_succeed(shell(program("counterpoise") + " eval -b 4 --weights " + run + "/best.safetensors --data " +
                         data.folder.path() + " --on " + split + " --output " + again));
      CHECK(slurp(again + "/predictions.csv") == slurp(run + csv));
    }
  }
}

TEST_CASE("eval --on all judges every image of a folder, whether or not it is split") {
  const ShapeSet data(three, {{"train", 6}, {"validation", 3}, {"test", 2}});
  const TemporaryFolder out;
  const std::string run = out / "run", again = out / "again", weights = run + "/best.safetensors";
  must_succeed(counterpoise_train(data.flags("--max-steps 1 --output " + run)));
  const auto eval = [&](const std::string& flags) {
    return shell(program("counterpoise") + " eval --weights " + weights + " " + flags + " --output " + again);
  };
  for (const auto& [folder, images] : {std::pair(data.folder.path(), 33), std::pair(data.folder / "train", 18)}) {
    const Result all = must_succeed(eval("--data " + folder + " --on all"));
    CHECK(contains(all.err, "Evaluating on " + std::to_string(images) + " images of 3 classes"));
    const std::string csv = slurp(again + "/predictions.csv");
    CHECK(count(csv, "\n") == images + 1);
    CHECK(result_of(again).at("split") == "all");
  }
  CHECK(contains(eval("--data synthetic:3 --on all").err, "--on all: is for images of yours"));
  CHECK(contains(eval("--data " + data.folder.path() + " --on all --split 0.5/0.5").err, "leave out --split"));
}

TEST_CASE("counts, imbalance and labels that cannot be are refused before anything is written") {
  const ShapeSet data(three, {{"train", 5}, {"validation", 2}});
  const TemporaryFolder out;
  const std::string run = out / "run";
  const auto check_refused = [&](const std::string& more, int code, const std::string& part) {
    check_command_fails("train " + data.flags(more + " --output " + run), code, part);
    CHECK(!fs::exists(run));
  };
  check_refused("--imbalance exp:1e9", 3, "the factor is at most 5");
  check_refused("--count a=0,b=0,c=0", 2, "leaves no image to train on");
  check_refused("--positive a", 2, "one of two classes can be the positive one");
  check_refused("--cost fn=2", 2, "--cost");
  check_refused("--split 0.5/0.5", 2, "shares do not apply");
  check_refused("--loss-reduction positives", 2, "there is no positive class");
  write_file(out / "labels.csv", "path,label,split\n" + (data.folder / "train/a/a.0.bmp") + ",a,train\n" +
                                     (data.folder / "train/none.bmp") + ",b,train\n");
  check_refused("--data " + (out / "labels.csv"), 3, "labels.csv, line 3: ");
  write_file(out / "labels.csv", "path,label,split\n" + (data.folder / "train/a/a.0.bmp") + ",a,train\n" +
                                     (data.folder / "train/b/b.0.bmp") + ",,train\n");
  check_refused("--data " + (out / "labels.csv"), 3, "line 3: the label is empty");
}
