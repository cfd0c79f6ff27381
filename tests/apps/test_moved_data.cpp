// Data that has moved or changed since a run began: what moved is found again, and other images are noticed.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/apps/running.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

Result run_program(const std::string& arguments) { return shell(program("counterpoise") + " " + arguments); }

void fails(const std::string& arguments, int code, const std::string& part) {
  check_program_fails(program("counterpoise"), arguments, code, part);
}

}  // namespace

TEST_CASE("--resume: data that has moved is given by its new path, and is the same") {
  const ShapeSet data({"a", "b"}, {{"", 12}});
  const TemporaryFolder out;
  const std::string run = out / "run", moved = out / "moved", whole = out / "whole";
  std::string groups = "path,group\n";
  for (const std::string name : {"a/a.", "b/b."}) {
    for (int i = 0; i < 12; ++i) groups += name + std::to_string(i) + ".bmp," + name + std::to_string(i / 2) + "\n";
  }
  write_file(out / "groups.csv", groups);
  const std::string options = "train " + data.flags("--split 0.5/0.2/0.3 --groups " + (out / "groups.csv"));
  must_succeed(run_program(options + " --output " + whole));
  REQUIRE(stop_at_once("counterpoise", options, run));
  fs::rename(data.folder.path(), moved);
  fs::rename(out / "groups.csv", out / "patients.csv");
  fails("train --resume " + run, 3, "no such folder");
  fails("train --resume " + run + " --lr 1", 2, "for files that have moved, --data, --groups,");
  const std::string resume = "train --resume " + run + " --data " + moved + " --groups " + (out / "patients.csv");
  fails(resume + " --split 0.6/0.2/0.2", 3, "the images or their splits are not those that the run in");
  // An image of the same name, as a file of another size.
  fs::copy(moved + "/a/a.1.bmp", out / "a.1.bmp");
  write_bmp(moved + "/a/a.1.bmp", draw_shape(1, 16, 5, 0), 16);
  fails(resume, 3, "the images or their splits are not those that the run in");
  fs::rename(out / "a.1.bmp", moved + "/a/a.1.bmp");
  must_succeed(run_program(resume));
  for (const char* name : {"steps.csv", "split.csv"}) CHECK(comparable(run, name) == comparable(whole, name));
  CHECK(slurp(run + "/last.safetensors") == slurp(whole + "/last.safetensors"));
  CHECK(parse_json(slurp(run + "/config.json"))["options"]["data"] == moved);
  CHECK(result_of(run)["data_fingerprint"] == result_of(whole)["data_fingerprint"]);
  fs::rename(moved, data.folder.path());
}

TEST_CASE("compare: rows that were trained on different images are told") {
  const ShapeSet data({"a", "b"}, {{"", 12}});
  const TemporaryFolder out;
  const std::string begin = "compare --seeds 2 --output " + (out / "c") + " " + data.flags("--max-steps 1");
  const std::string warning = "the rows were not trained and judged on the same images with seed 1, seed 2,";
  CHECK(!contains(must_succeed(run_program(begin + " -- '--loss bce' '--loss focal'")).out, warning));
  for (int i = 0; i < 6; ++i) fs::remove(data.folder / ("a/a." + std::to_string(i) + ".bmp"));
  CHECK(contains(must_succeed(run_program(begin + " -- '--loss hinge'")).out, warning));
  CHECK(contains(slurp(out / "c/compare.md"), warning));
  // Results of a version that did not tell the images are taken as they are.
  for (const auto& row : fs::directory_iterator(out / "c/cells")) {
    for (const auto& cell : fs::directory_iterator(row)) {
      auto json = result_of(cell.path());
      json.erase("data_fingerprint");
      write_file(cell.path() / "result.json", json.dump());
    }
  }
  CHECK(!contains(must_succeed(run_program("compare --table --output " + (out / "c"))).out, warning));
}

TEST_CASE("eval: test images without others, of some of the classes, are judged") {
  const ShapeSet data({"a", "b", "c"}, {{"train", 4}, {"validation", 2}}), other({"a", "b"}, {{"test", 3}}),
      split({"a", "b"}, {{"train", 3}, {"test", 3}});
  const TemporaryFolder out;
  must_succeed(run_program("train " + data.flags("--max-steps 1 --output " + (out / "run"))));
  const std::string eval = "eval --weights " + (out / "run/last.safetensors") + " --data ";
  for (const std::string on : {"", " --on test", " --on all"}) {
    const Result r = must_succeed(run_program(eval + other.folder.path() + on));
    CHECK(contains(r.err, on == " --on all" ? "Evaluating on 6 images" : "Evaluating on 6 test images"));
  }
  fails(eval + other.folder.path() + " --on validation", 3, "has no training images");
  fails(eval + split.folder.path(), 3, "the images are of a, b; --on all evaluates every image that there is of these");
}
