// What must not leak: the labels of test images change nothing but the test result, those of validation images only the
// epoch and the decision that they choose, and images of a group are in one split.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "data/tables/csv.h"
#include "tests/apps/running.h"
#include "tests/apps/small_data.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

// The fields of each image of predictions, by its file's name, without the label.
std::map<std::string, std::vector<std::string>> rows_of(const std::string& csv) {
  std::map<std::string, std::vector<std::string>> rows;
  CsvReader reader(csv);
  for (std::vector<std::string> row; reader.next(row);)
    rows[fs::path(row[0]).filename()] = {row.begin() + 2, row.end()};
  return rows;
}

std::set<std::string> images_in(const std::string& csv) {
  std::set<std::string> names;
  for (const auto& [name, fields] : rows_of(csv)) names.insert(name);
  return names;
}

std::map<std::string, std::string> labels_of(const std::string& csv) {
  std::map<std::string, std::string> labels;
  CsvReader reader(csv);
  for (std::vector<std::string> row; reader.next(row);) labels[fs::path(row[0]).filename()] = row[1];
  return labels;
}

// Batches stay whole: with the size of a batch the last digits of logits change. Moves one image in two of each class
// into the folder of the next class.
void exchange_labels(const ShapeSet& data, const std::string& split) {
  const size_t K = data.classes.size();
  std::vector<std::pair<fs::path, fs::path>> moves;
  for (size_t k = 0; k < K; ++k) {
    for (const auto& entry : fs::directory_iterator(data.folder / (split + "/" + data.classes[k]))) {
      const std::string name = entry.path().filename();
      if ((name[name.size() - 5] - '0') % 2 == 0)
        moves.emplace_back(entry.path(), data.folder / (split + "/" + data.classes[(k + 1) % K] + "/" + name));
    }
  }
  REQUIRE(moves.size() >= K);
  for (const auto& [from, to] : moves) fs::rename(from, to);
}

void train(const std::string& arguments) { must_succeed(shell(program("counterpoise") + " train " + arguments)); }

void check_test_labels_change_only_the_test_result(const std::vector<std::string>& classes, const std::string& more) {
  CAPTURE(more);
  const ShapeSet data(classes, {{"train", 6}, {"validation", 6}, {"test", 4}});
  const TemporaryFolder out;
  const std::string before = out / "before", after = out / "after";
  train(data.flags(more + " --output " + before));
  exchange_labels(data, "test");
  train(data.flags(more + " --output " + after));
  for (const char* name : {"last.safetensors", "best.safetensors", "epochs.csv", "steps.csv", "config.json",
                           "predictions-validation.csv"}) {
    CAPTURE(name);
    CHECK(comparable(after, name) == comparable(before, name));
  }
  CHECK(rows_of(after + "/predictions.csv") == rows_of(before + "/predictions.csv"));
  const auto a = result_of(after), b = result_of(before);
  for (const char* key : {"decision", "epoch", "best_epoch", "best_value", "monitor", "training_images", "steps"}) {
    CAPTURE(key);
    CHECK(a[key] == b[key]);
  }
  CHECK(labels_of(after + "/predictions.csv") != labels_of(before + "/predictions.csv"));
  CHECK(a["split"] == "test");
}

}  // namespace

TEST_CASE("leakage: labels of test images change nothing but the result on them") {
  check_test_labels_change_only_the_test_result({"first", "second"},
                                                "--positive second --threshold f1 --temperature --adjust-logits 1 "
                                                "--class-weights balanced --ema 0.9");
  check_test_labels_change_only_the_test_result({"first", "second"}, "--threshold recall=0.8 --crt 1 --monitor f1");
  check_test_labels_change_only_the_test_result({"a", "b", "c"},
                                                "--temperature --adjust-logits 1 --tau-norm 0.5 --patience 1");
  check_test_labels_change_only_the_test_result({"a", "b", "c"}, "--sampler class-balanced --crt 1 --mix mixup=1");
}

TEST_CASE("leakage: labels of validation images choose the epoch and the decision, and nothing else") {
  for (const std::vector<std::string>& classes : {std::vector<std::string>{"first", "second"}, {"a", "b", "c"}}) {
    const ShapeSet data(classes, {{"train", 6}, {"validation", 6}, {"test", 4}});
    const TemporaryFolder out;
    const std::string before = out / "before", after = out / "after";
    const std::string more = std::string("--temperature --epochs 3 ") + (classes.size() == 2 ? "--threshold f1 " : "");
    train(data.flags(more + "--output " + before));
    exchange_labels(data, "validation");
    train(data.flags(more + "--output " + after));
    for (const char* name : {"last.safetensors", "steps.csv"}) {
      CAPTURE(name);
      CHECK(comparable(after, name) == comparable(before, name));
    }
    CHECK(comparable(after, "epochs.csv") != comparable(before, "epochs.csv"));
    const auto a = result_of(after), b = result_of(before);
    if (classes.size() == 2) CHECK(a["decision"] != b["decision"]);
    CHECK(a["training_images"] == b["training_images"]);
  }
}

TEST_CASE("leakage: without test images, labels of validation images change nothing but the result on them") {
  for (const std::vector<std::string>& classes : {std::vector<std::string>{"first", "second"}, {"a", "b", "c"}}) {
    const ShapeSet data(classes, {{"train", 10}, {"validation", 4}});
    const TemporaryFolder out;
    const std::string before = out / "before", after = out / "after";
    const std::string more = std::string("--temperature ") + (classes.size() == 2 ? "--threshold f1 " : "");
    train(data.flags(more + "--output " + before));
    exchange_labels(data, "validation");
    train(data.flags(more + "--output " + after));
    CHECK(comparable(after, "last.safetensors") == comparable(before, "last.safetensors"));
    CHECK(rows_of(after + "/predictions.csv") == rows_of(before + "/predictions.csv"));
    const auto a = result_of(after), b = result_of(before);
    CHECK(a["decision"] == b["decision"]);
    CHECK(a["epoch"] == b["epoch"]);
    CHECK(labels_of(after + "/predictions.csv") != labels_of(before + "/predictions.csv"));
  }
}

TEST_CASE("leakage: a temperature of more than two classes is fitted on images that were not trained on") {
  const ShapeSet data({"a", "b", "c"}, {{"train", 10}, {"validation", 3}});
  const Result r = must_succeed(
      shell(program("counterpoise") + " train " + data.flags("--temperature --max-steps 1 --output none")));
  CHECK(contains(r.err, "Training on 9 a, 9 b, 9 c, with 3 more held out;"));
  CHECK(contains(r.err, "fitted on 3 held-out training images"));
  const ShapeSet few({"a", "b"}, {{"train", 1}, {"validation", 3}});
  check_program_fails(
      program("counterpoise"), "train " + few.flags("--threshold f1 --output none"), 3,
      "--threshold f1 is chosen on a tenth of the training images: class a has 1 training image, too few");
}

TEST_CASE("leakage: a group is in one split") {
  const ShapeSet data({"a", "b", "c"}, {{"", 12}});
  const TemporaryFolder out;
  std::string groups = "path,group\n";
  for (const std::string& name : data.classes) {
    for (int i = 0; i < 12; ++i)
      groups += name + "/" + name + "." + std::to_string(i) + ".bmp,patient" + std::to_string(i / 2) + "\n";
  }
  write_file(out / "groups.csv", groups);
  for (const std::string more : {"--split 0.5/0.25/0.25", "--split 0.6/0.4 --seed 5", "--folds 3 --fold 2"}) {
    CAPTURE(more);
    const std::string run = out / "run";
    train(data.flags(more + " --groups " + (out / "groups.csv") + " --max-steps 1 --output " + run));
    std::map<std::string, std::set<std::string>> splits;
    CsvReader split(run + "/split.csv");
    size_t images = 0;
    for (std::vector<std::string> row; split.next(row); ++images)
      splits[row[split.find("group")]].insert(row[split.find("split")]);
    CHECK(images == 36);
    CHECK(splits.size() == 6);
    std::set<std::string> all;
    for (const auto& [group, in] : splits) {
      CAPTURE(group);
      CHECK(in.size() == 1);
      all.insert(in.begin(), in.end());
    }
    CHECK(all.size() >= 2);
    // The images that were evaluated are those that the file says.
    std::map<std::string, std::string> split_of;
    CsvReader again(run + "/split.csv");
    for (std::vector<std::string> row; again.next(row);)
      split_of[fs::path(row[0]).filename()] = row[again.find("split")];
    const std::string reported = result_of(run)["split"];
    size_t expected = 0;
    for (const auto& [name, where] : split_of) expected += where == reported;
    CHECK(rows_of(run + "/predictions.csv").size() == expected);
    for (const auto& [name, fields] : rows_of(run + "/predictions.csv")) CHECK(split_of[name] == reported);
    fs::remove_all(run);
  }
}

TEST_CASE("leakage: eval judges the images that the training set aside, or warns" * slow()) {
  const ShapeSet data({"a", "b"}, {{"", 20}});
  const TemporaryFolder out;
  const std::string run = out / "run", evaluated = out / "eval";
  const auto eval = [&](const std::string& more) {
    const Result r = must_succeed(shell(program("counterpoise") + " eval --data " + data.folder.path() + " --weights " +
                                        run + "/last.safetensors " + more + " --output " + evaluated));
    return r.err;
  };
  const std::string warning = "Warning: The images are split in another way than for the training";
  for (const std::string more : {"--seed 2 --split 0.5/0.2/0.3", "--seed 3", "--folds 3 --fold 2"}) {
    CAPTURE(more);
    train(data.flags(more + " --max-steps 1 --output " + run));
    CHECK(!contains(eval(""), warning));
    CHECK(images_in(evaluated + "/predictions.csv") == images_in(run + "/predictions.csv"));
    CHECK(contains(eval("--split 0.3/0.3/0.4"), warning));
    CHECK(!contains(eval("--split " + run + "/split.csv"), warning));
    fs::remove_all(run);
  }
  // A split that a file said.
  const std::string file = out / "split.csv";
  train(data.flags("--seed 5 --max-steps 1 --output " + run));
  fs::copy(run + "/split.csv", file);
  fs::remove_all(run);
  train(data.flags("--split " + file + " --max-steps 1 --output " + run));
  CHECK(contains(eval(""), warning));
  CHECK(!contains(eval("--split " + run + "/split.csv"), warning));
  fs::remove_all(run);
  train(data.flags("--max-steps 1 --output " + run));
  fs::remove(data.folder / "a/a.5.bmp");
  CHECK(contains(eval(""), warning));
}

TEST_CASE("leakage: eval judges the fold that a training set aside where the data has validation images, too") {
  const TemporaryFolder out;
  const std::string run = out / "run", evaluated = out / "eval";
  const auto eval = [&](const ShapeSet& on) {
    fs::remove_all(evaluated);
    const Result r = must_succeed(shell(program("counterpoise") + " eval --data " + on.folder.path() + " --weights " +
                                        run + "/last.safetensors --output " + evaluated));
    CHECK(!contains(r.err, "split in another way"));
    return images_in(evaluated + "/predictions.csv");
  };
  const std::vector<std::string> classes = {"a", "b"};
  const ShapeSet data(classes, {{"train", 9}, {"validation", 3}}), unsplit(classes, {{"", 20}});
  // Data that was not trained on is judged by its validation images; of the second there are too few for three folds.
  const ShapeSet other(classes, {{"train", 2}, {"validation", 4}}), few(classes, {{"train", 1}, {"validation", 1}});
  train(data.flags("--folds 3 --fold 2 --max-steps 1 --output " + run));
  CHECK(eval(data) == images_in(run + "/predictions.csv"));
  CHECK(eval(other).size() == 2 * 4);
  CHECK(eval(few).size() == 2 * 1);
  fs::remove_all(run);
  train(unsplit.flags("--folds 3 --fold 1 --split 0.7/0.1/0.2 --max-steps 1 --output " + run));
  CHECK(eval(unsplit) == images_in(run + "/predictions.csv"));
  CHECK(eval(other).size() == 2 * 4);
}

TEST_CASE("leakage: a run is not resumed with images that were split in another way") {
  const ShapeSet data({"a", "b", "c"}, {{"", 12}});
  const TemporaryFolder out;
  const std::string run = out / "run";
  REQUIRE(stop_at_once("counterpoise", "train " + data.flags(), run));
  fs::copy(data.folder / "a/a.1.bmp", data.folder / "a/a.5b.bmp");
  check_program_fails(program("counterpoise"), "train --resume " + run, 3,
                      "the images or their splits are not those that the run in " + run + " began with");
  fs::remove(data.folder / "a/a.5b.bmp");
  fs::rename(data.folder / "a/a.1.bmp", data.folder / "b/a.1.bmp");
  check_program_fails(program("counterpoise"), "train --resume " + run, 3, "began with");
  fs::rename(data.folder / "b/a.1.bmp", data.folder / "a/a.1.bmp");
  must_succeed(shell(program("counterpoise") + " train --resume " + run));
}
