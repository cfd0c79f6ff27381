// What all programs do with a command line: what they say of one that is wrong, and how they name themselves.
#include "tests/program.h"

using namespace counterpoise;

TEST_CASE("command line: a misspelled option that is required is named, with a suggestion") {
  const auto check_fails = [](const std::string& arguments, const std::string& part) {
    check_program_fails(program("counterpoise"), arguments, 2, part);
  };
  check_fails("predict --weight w photos", "unknown option --weight; did you mean --weights? Valid options: ");
  check_fails("export --wieghts w", "unknown option --wieghts; did you mean --weights?");
  check_fails("compare --outptu c", "unknown option --outptu; did you mean --output?");
  check_fails("check --jsn", "unknown option --jsn; did you mean --json?");
  check_fails("predict --weights w", "FILES is required; see ");
  check_fails("predict photos", "--weights is required; see ");
  // An argument of a file's name that looks like an option.
  const TemporaryFolder folder;
  write_file(folder / "-cat.jpg", "");
  const Result r = shell("cd " + folder.path() + " && " + program("counterpoise") + " predict --weights w -cat.jpg");
  CHECK(r.code == 2);
  CHECK(contains(r.err, "(The file of this name is ./-cat.jpg.)"));
}
