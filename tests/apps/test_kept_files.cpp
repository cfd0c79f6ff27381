// What a run leaves alone in its folder: the split that it was given.
#include <filesystem>

#include "tests/apps/running.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

Result counterpoise_does(const std::string& arguments) { return shell(program("counterpoise") + " " + arguments); }

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
