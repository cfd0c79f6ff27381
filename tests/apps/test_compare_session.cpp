// counterpoise compare in a folder that has a comparison: what it goes on with, and what it refuses before it trains.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/compare/arguments.h"
#include "apps/compare/comparison.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

// A comparison of one row with one seed, as compare.json has it, of which nothing has been trained.
nlohmann::ordered_json begun(const std::string& common) {
  Comparison c;
  c.rows = {parse_row("--loss bce")};
  c.seeds = {1};
  c.metrics = {"f1"};
  c.common = split_arguments(common);
  return to_json(c);
}

}  // namespace

TEST_CASE("compare: the short options are those of the long names") {
  using Flags = std::map<std::string, std::string>;
  CHECK(flags_in({"-b", "16", "-j", "0"}) == Flags{{"--batch-size", "16"}, {"--workers", "0"}});
  CHECK(flags_in({"-b16", "-j0"}) == Flags{{"--batch-size", "16"}, {"--workers", "0"}});
  CHECK_THROWS_WITH_AS(check_common({"-h"}), doctest::Contains("--help is no option of a row"), Error);
  Comparison c, more;
  c.common = {"-b", "16"}, more.common = {"--batch-size", "16"};
  extend(c, more, "runs/c");
  more.common = {"-b", "8"};
  CHECK_THROWS_WITH_AS(extend(c, more, "runs/c"), doctest::Contains("which was begun with --batch-size 16"), Error);

  // The training has no short option whose long name is not known.
  std::istringstream help(catdog("train --help-all").out);
  int found = 0;
  for (std::string word; help >> word;) {
    if (word.size() < 3 || word[0] != '-' || word[1] == '-' || word[2] != ',') continue;
    CAPTURE(word);
    CHECK(flags_in({word.substr(0, 2)}).begin()->first.rfind("--", 0) == 0);
    ++found;
  }
  CHECK(found >= 3);
}

TEST_CASE("compare: -j among the common options keeps its number of workers") {
  const TemporaryFolder out;
  must_succeed(catdog("compare --output " + (out / "c") + " -b 16 -j 0 --shard 2/2 --seeds 1 -- '--loss bce'"));
  const auto json = parse_json(slurp(out / "c/compare.json"));
  CHECK(json.at("common") == "-b 16 -j 0 --threads 1");
}

TEST_CASE("compare: a comparison that cannot be looked at is not begun again") {
  const TemporaryFolder out;
  fs::create_symlink("compare.json", out / "compare.json");  // a link to itself
  check_fails("compare --shard 2/2 --seeds 1 --output " + out.path() + " -- '--loss bce'", 3,
              "compare.json: Too many levels of symbolic links");
  CHECK(fs::is_symlink(out / "compare.json"));
}

TEST_CASE("compare: an interrupted training whose checkpoint cannot be looked at is not removed") {
  const DataSet data;
  const TemporaryFolder out;
  const std::string arguments =
      "compare --seeds 1 --output " + (out / "c") + " " + data.flags("--device cpu --max-steps 1") + " -- '--loss bce'";
  must_succeed(catdog(arguments));
  const fs::path cell = fs::directory_iterator(out / "c/cells")->path() / "seed-1";
  REQUIRE(fs::remove(cell / "result.json"));
  fs::create_symlink("unfinished-abcdef", cell / "unfinished-abcdef");  // a link to itself
  check_fails(arguments, 1, "unfinished-abcdef/checkpoint.safetensors is there: Too many levels of symbolic links");
  CHECK(fs::is_symlink(cell / "unfinished-abcdef"));
}

TEST_CASE("compare: the place for temporary files is named where it cannot be used, and need not be given") {
  const TemporaryFolder out;
  const std::string arguments = " compare --shard 2/2 --seeds 1 --output " + (out / "c") + " -- '--loss bce'";
  const Result none = shell("TMPDIR=" + (out / "none") + " " + program("catdog") + arguments);
  CHECK(none.code == 1);
  CHECK(contains(none.err, "/none/counterpoise-"));
  CHECK(contains(none.err, "No such file or directory"));
  CHECK(contains(none.err, "TMPDIR names another place"));
  CHECK(!fs::exists(out / "c"));
  must_succeed(shell("TMPDIR= " + program("catdog") + arguments));
}

TEST_CASE("compare: another program does not go on with a comparison, whose trainings have other defaults") {
  const TemporaryFolder out;
  const std::string arguments = "compare --output " + (out / "c") + " --shard 2/2 --seeds 1";
  must_succeed(catdog(arguments + " -- '--loss bce'"));
  check_program_fails(program("counterpoise"), arguments, 2, "was begun with ./apps/catdog, ");
  must_succeed(catdog(arguments));

  // One of a version that did not write its program's name.
  make_directories(out / "older");
  write_file(out / "older/compare.json", begun("").dump());
  const std::string older = " compare --table --output " + (out / "older");
  for (const char* name : {"catdog", "counterpoise"}) must_succeed(shell(program(name) + older));
}

TEST_CASE("compare: images that are not found any more are named before anything is trained") {
  const TemporaryFolder out;
  const std::string folder = out / "c";
  make_directories(folder);
  write_file(folder + "/compare.json", begun("--data nowhere").dump());
  check_fails("compare --output " + folder, 2, "row \"--loss bce\": nowhere");
  check_fails("compare --seeds 2 --output " + folder, 2, "row \"--loss bce\": nowhere");
  CHECK(!fs::exists(folder + "/cells"));
  // Who only looks, or trains other cells, needs no images.
  must_succeed(catdog("compare --table --output " + folder));
  must_succeed(catdog("compare --shard 2/2 --output " + folder));
}
