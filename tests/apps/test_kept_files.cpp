// What a run leaves alone in its folder: files that no run wrote, and the split that it was given.
#include <filesystem>

#include "tests/apps/running.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

Result counterpoise_does(const std::string& arguments) { return shell(program("counterpoise") + " " + arguments); }

// The command is refused, and the folder has this file alone, as it was.
void check_kept(const std::string& arguments, const std::string& folder, const std::string& name) {
  fs::remove_all(folder);
  make_directories(folder);
  write_file(folder + "/" + name, "{\"mine\": 1}");
  check_program_fails(
      program("counterpoise"), arguments + " --output " + folder, 2,
      name + " was written by no run, and this one would replace or remove it: move it away, or choose another");
  CHECK(slurp(folder + "/" + name) == "{\"mine\": 1}");
  CHECK(std::distance(fs::directory_iterator(folder), {}) == 1);
}

}  // namespace

TEST_CASE("kept files: a run with the split of an earlier one keeps it in its folder") {
  const ShapeSet data({"first", "second"}, {{"", 12}});
  const TemporaryFolder out;
  const std::string run = out / "run", split = run + "/split.csv", other = out / "other";
  must_succeed(counterpoise_does("train " + data.flags("--seed 4 --max-steps 1 --output " + run)));
  const std::string first = slurp(split);
  must_succeed(
      counterpoise_does("train " + data.flags("--lr 0.01 --max-steps 1 --split " + split + " --output " + run)));
  CHECK(slurp(split) == first);
  must_succeed(counterpoise_does("train --config " + run + "/config.json --output " + run));
  CHECK(slurp(split) == first);
  must_succeed(counterpoise_does("show --run " + run + " --output " + (out / "show")));
  // Any other run has a copy.
  REQUIRE(stop_at_once("counterpoise", "train " + data.flags("--split " + split), other));
  must_succeed(counterpoise_does("train --resume " + other));
  CHECK(slurp(other + "/split.csv") == first);
  const Result eval =
      must_succeed(counterpoise_does("eval --data " + data.folder.path() + " --weights " + other +
                                     "/best.safetensors --split " + other + "/split.csv --output " + (out / "eval")));
  CHECK(!contains(eval.err, "Warning"));
  CHECK(result_of(out / "eval")["f1"] == result_of(other)["f1"]);
}

TEST_CASE("kept files: a run does not replace files in its folder that no run wrote") {
  const DataSet data(2, 2);
  const TemporaryFolder out;
  const std::string own = out / "own", run = out / "run", train = "train " + data.flags("--max-steps 1");
  for (const char* name : {"split.csv", "epochs.csv", "predictions.csv", "config.json", "result.json", "log.jsonl",
                           "last.safetensors", "events.out.tfevents.1"}) {
    CAPTURE(name);
    check_kept(train, own, name);
  }
  fs::remove_all(own);
  must_succeed(counterpoise_does(train + " --output " + run));
  const std::string eval = "eval --data " + data.folder.path() + " --weights " + run + "/last.safetensors";
  for (const char* name : {"predictions.csv", "result.json"}) check_kept(eval, own, name);
  // A folder with other files only, or with an earlier run.
  fs::remove(own + "/result.json");
  write_file(own + "/split.csv", "mine");
  must_succeed(counterpoise_does(eval + " --output " + own));
  CHECK(slurp(own + "/split.csv") == "mine");
  must_succeed(counterpoise_does(eval + " --output " + own));
  fs::remove(run + "/result.json");
  must_succeed(counterpoise_does(train + " --output " + run));
}

TEST_CASE("kept files: a run does not replace its data") {
  const ShapeSet data({"first", "second"}, {{"", 12}});
  const TemporaryFolder out;
  const std::string run = out / "run", split = run + "/split.csv", eval = out / "eval";
  const std::string options = " --image-size 32 --width 0.03125 --max-steps 1 ";
  must_succeed(counterpoise_does("train " + data.flags("--max-steps 1 --output " + run)));
  // (Paths in it are relative to the data's folder, so that it is no list of images as it lies here.)
  std::string csv = slurp(split);
  for (size_t at = 0; (at = csv.find('\n', at)) + 1 < csv.size();) csv.insert(++at, data.folder.path() + "/");
  write_file(split, csv);
  check_program_fails(program("counterpoise"), "train --data " + split + options + "--output " + run, 2,
                      "split.csv is one of the inputs");
  CHECK(slurp(split) == csv);
  const std::string judged = "eval --weights " + run + "/last.safetensors --output " + eval + " --data ";
  must_succeed(counterpoise_does(judged + split));
  fs::copy_file(split, eval + "/predictions.csv", fs::copy_options::overwrite_existing);
  check_program_fails(program("counterpoise"), judged + eval + "/predictions.csv", 2,
                      "predictions.csv is one of the inputs");
}
