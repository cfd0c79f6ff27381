// What all programs do with a command line: what they say of one that is wrong, and how they name themselves.
#include <filesystem>

#include "tests/program.h"

using namespace counterpoise;

TEST_CASE("command line: a misspelled option that is required is named, with a suggestion") {
  const auto check_fails = [](const std::string& arguments, const std::string& part) {
    check_program_fails(program("counterpoise"), arguments, 2, part);
  };
  check_fails("predict --weight w photos", "unknown option --weight; did you mean --weights? Valid options: ");
  check_fails("export --wieghts w", "unknown option --wieghts; did you mean --weights?");
  check_fails("compare --outptu c", "unknown option --outptu; did you mean --output?");
  check_fails("compare --save-dir c --epochs 1", "unknown option --save-dir; did you mean --output?");
  // Options that it hands on to the trainings.
  check_fails("compare --data two --epochs 1 --loss bce --seed -1", "--output is required; see ");
  check_fails("check --jsn", "unknown option --jsn; did you mean --json?");
  check_fails("predict --weights w", "FILES is required; see ");
  check_fails("predict photos", "--weights is required; see ");
  check_fails("predict -- photos", "--weights is required; see ");
  check_fails("predict -- -photo.jpg", "--weights is required; see ");
  // An argument of a file's name that looks like an option.
  const TemporaryFolder folder;
  write_file(folder / "-cat.jpg", "");
  const Result r = shell("cd " + folder.path() + " && " + program("counterpoise") + " predict --weights w -cat.jpg");
  CHECK(r.code == 2);
  CHECK(contains(r.err, "(The file of this name is ./-cat.jpg.)"));
}

TEST_CASE("command line: an installed program names itself as it was called") {
  const TemporaryFolder folder;
  for (const std::string name : {"counterpoise", "catdog", "losses", "augment", "bench"}) {
    const std::string installed = "counterpoise-" + name;
    REQUIRE(symlink(program(name).c_str(), (folder / installed).c_str()) == 0);
    const Result r = shell("PATH=" + folder.path() + ":$PATH; " + installed + " --help; " + installed + " --no-option");
    CAPTURE(r.out);
    CHECK(r.code == 2);
    CHECK(contains(r.out, name == "counterpoise" ? installed + " COMMAND --help" : "Usage: " + installed));
    CHECK(!contains(r.out + r.err, "./apps/"));
    CHECK(contains(shell(program(name) + " --help").out, " ./apps/" + name));
  }
  const std::string losses = "cd " + folder.path() + " && ./counterpoise-losses ";
  for (const char* arguments : {"eval --help", "walk --help", "", "evla"}) {
    const Result r = shell(losses + arguments);
    CHECK(!contains(r.out + r.err, "./apps/"));
  }
  CHECK(contains(shell(losses + "eval --help").out, "\n  ./counterpoise-losses eval focal --gamma 2 "));
  // Only a folder apps/ is the one where programs are built.
  const std::string webapps = folder / "webapps";
  std::filesystem::create_directory(webapps);
  std::filesystem::create_symlink(program("losses"), webapps + "/losses");
  CHECK(contains(shell(webapps + "/losses --help").out, "Usage: " + webapps + "/losses "));
}

TEST_CASE("command line: the version ends with a line") {
  for (const std::string name : {"counterpoise", "catdog", "losses", "augment"}) {
    const Result r = must_succeed(shell(program(name) + " --version"));
    CHECK(last_line(r.out).rfind("stb_image: ", 0) == 0);
    CHECK(r.out.back() == '\n');
  }
}
