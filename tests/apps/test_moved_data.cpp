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
