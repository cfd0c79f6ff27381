// The check command: its report, JSON, groups and exit codes.
#include "apps/trainer/check_command.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "data/images/image_sets.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;
using Json = nlohmann::json;

namespace {

struct Outcome {
  Exit code;
  std::string out;
};

Outcome check(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "check");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  std::ostringstream out;
  std::streambuf* const before = std::cout.rdbuf(out.rdbuf());
  Exit code = Exit::failure;
  try {
    code = check_command(static_cast<int>(argv.size()), argv.data());
  } catch (...) {
    std::cout.rdbuf(before);
    throw;
  }
  std::cout.rdbuf(before);
  return {code, out.str()};
}

}  // namespace

TEST_CASE("check: nothing is found in a sound data set") {
  const DataSet data;
  const Outcome y = check({data.folder.path(), "--strict"});
  CHECK(y.code == Exit::ok);
  CHECK(contains(y.out, ": 20 images of 2 classes, median size 32 x 32"));
  CHECK(contains(y.out, "training  validation"));
  CHECK(contains(y.out, "cat                          6           4\n"));
  CHECK(contains(y.out, "largest / smallest        1.00        1.00\n"));
  CHECK(contains(y.out, "Nothing was found."));
}

TEST_CASE("check: the table keeps its columns whatever the names of the classes") {
  const DataSet data;
  const std::string train = data.folder / "train/", validation = data.folder / "validation/";
  std::filesystem::rename(train + "cat", train + "S\u00fc\u00dfe \nKatze");
  std::filesystem::rename(validation + "cat", validation + "S\u00fc\u00dfe \nKatze");
  std::filesystem::rename(train + "dog", train + std::string(60, 'd'));
  std::filesystem::rename(validation + "dog", validation + std::string(60, 'd'));
  const Outcome y = check({data.folder.path()});
  CHECK(contains(y.out, "\nS\u00fc\u00dfe \\x0aKatze" + std::string(26, ' ') + "           6           4\n"));
  CHECK(contains(y.out, "\n" + std::string(38, 'd') + "..           6           4\n"));
}

TEST_CASE("check: findings are reported, the most serious first" * slow()) {
  const DataSet data;
  const auto put = [&](const std::string& to, uint64_t index, int size) {
    write_bmp(data.folder / to, draw_animal(Animal::cat, size, 1, index), size);
  };
  put("validation/cat/leak.bmp", 0, 32);  // = train/cat/cat.0
  put("validation/cat/near.bmp", 1, 48);  // ~ train/cat/cat.1
  put("train/dog/wrong\x1b.bmp", 2, 32);  // = train/cat/cat.2
  write_bmp(data.folder / "train/dog/dog.x.bmp", draw_animal(Animal::dog, 32, 1, 0), 32);
  for (int i = 0; i < 7; ++i) write_file(data.folder / ("train/cat/x" + std::to_string(i) + ".jpg"), "no image");
  const Outcome y = check({data.folder.path()});
  CHECK(y.code == Exit::ok);
  CAPTURE(y.out);
  const char* order[] = {"Sets of duplicates in two splits, where a model is judged on images it has seen: 1\n",
                         "train/cat/cat.0.bmp = validation/cat/leak.bmp",
                         "Sets of duplicates with two labels: 1\n",
                         "train/cat/cat.2.bmp (cat) = train/dog/wrong\\x1b.bmp (dog)",
                         "Unreadable images, which are left out: 7\n",
                         "train/cat/x0.jpg: ",
                         "... and 2 more",
                         "Sets of near-duplicates in two splits: 1\n",
                         "train/cat/cat.1.bmp ~ validation/cat/near.bmp",
                         "Other sets of duplicates: 1\n",
                         "train/dog/dog.0.bmp = train/dog/dog.x.bmp"};
  size_t at = 0;
  for (const char* part : order) {
    const size_t next = y.out.find(part, at);
    CHECK_MESSAGE(next != std::string::npos, part);
    if (next != std::string::npos) at = next;
  }
  CHECK(check({data.folder.path(), "--strict"}).code == Exit::bad_data);
  CHECK(!contains(check({data.folder.path(), "--most", "9"}).out, "more\n"));

  const Json json = parse_json(check({data.folder.path(), "--json"}).out);
  CHECK(json["images"] == 31);
  CHECK(json["classes"]["training"] == Json({{"cat", 13}, {"dog", 8}}));
  CHECK(json["ratio"]["training"] == doctest::Approx(13. / 8));
  CHECK(json["leaks"] == parse_json(R"([["train/cat/cat.0.bmp", "validation/cat/leak.bmp"]])"));
  CHECK(json["near_leaks"] == parse_json(R"([["train/cat/cat.1.bmp", "validation/cat/near.bmp"]])"));
  CHECK(json["label_conflicts"].size() == 1);
  CHECK(json["unreadable"].size() == 7);
  CHECK(json["unreadable"][0]["path"] == "train/cat/x0.jpg");
  CHECK(json["errors"] == true);
  CHECK(json["duplicates"].size() == 3);
  CHECK(json["group_leaks"].empty());
}

TEST_CASE("check: the groups that it writes keep duplicates in one split" * slow()) {
  const DataSet data(20, 1);
  for (int i = 0; i < 10; ++i) {
    write_bmp(data.folder / ("train/cat/copy" + std::to_string(i) + ".bmp"), draw_animal(Animal::cat, 40, 1, i), 40);
  }
  const std::string groups = data.folder / "groups.csv";
  ImageSource source;
  source.data = data.folder / "train";
  CHECK(check({source.data, "--write-groups", groups}).code == Exit::ok);
  CHECK(!contains(check({source.data}).out, "two splits"));
  write_file(data.folder / "split.csv", split_csv(open_image_sets(source)));
  CHECK(contains(check({source.data, "--split-file", data.folder / "split.csv"}).out,
                 "Sets of near-duplicates in two splits: "));
  source.groups = groups;
  write_file(data.folder / "split.csv", split_csv(open_image_sets(source)));
  const std::string kept = check({source.data, "--split-file", data.folder / "split.csv"}).out;
  CHECK(contains(kept, "Other sets of near-duplicates: "));
  CHECK(!contains(kept, "in two splits"));

  // Groups that are split.
  write_file(data.folder / "leak.csv",
             "path,label,group,split\ntrain/cat/cat.0.bmp,cat,ann,train\n"
             "train/dog/dog.0.bmp,dog,ann,test\n");
  const Outcome leak = check({data.folder / "leak.csv", "--strict"});
  CHECK(leak.code == Exit::bad_data);
  CHECK(contains(leak.out, "Groups in two splits: 1"));
  CHECK(contains(leak.out, "ann: train/cat/cat.0.bmp (cat), train/dog/dog.0.bmp (dog)"));
  CHECK(contains(leak.out, "Classes that a split lacks: 2\n  cat: no test images\n  dog: no training images\n"));
}

TEST_CASE("check: a wrong command line or folder is an error") {
  CHECK(contains(error_of([] { check({}); }, ErrorKind::invalid_argument), "DATA"));
  CHECK(contains(error_of([] { check({"/nowhere"}); }, ErrorKind::bad_data), "/nowhere: no such folder"));
  CHECK(contains(error_of([] { check({"/tmp", "--workers", "0"}); }, ErrorKind::invalid_argument), "1 to 256"));
}
