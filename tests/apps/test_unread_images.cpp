// Images that are not read: of other formats, or damaged. Whoever trains or predicts is told of them.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/trainer/image_paths.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

Result counterpoise_program(const std::string& arguments) { return shell(program("counterpoise") + " " + arguments); }

}  // namespace

TEST_CASE("images of formats that are not read are counted by check, and a training and eval warn of them") {
  const DataSet data;
  for (const char* name : {"train/cat/a.webp", "train/cat/b.WebP", "validation/cat/c.tif", "train/dog/notes.txt",
                           "train/dog/no-extension"}) {
    write_file(data.folder / name, "no image");
  }
  const std::string check = "check " + data.folder.path();
  const Result checked = must_succeed(counterpoise_program(check));
  CHECK(contains(checked.out,
                 "that are not read, because they are no .jpg, .jpeg, .png or .bmp: 2\n"
                 "  cat: 1 .tif, 2 .webp\n  dog: 1 (none), 1 .txt\n"));
  CHECK(parse_json(must_succeed(counterpoise_program(check + " --json")).out)["not_read"]["cat"][".webp"] == 2);
  CHECK(counterpoise_program(check + " --strict").code == 3);

  const TemporaryFolder out;
  const std::string warning = "(cat: 1 .tif, 2 .webp); convert them";
  const Result trained = must_succeed(catdog(data.flags("--max-steps 1 --output " + (out / "run"))));
  CHECK(contains(trained.err, warning));
  const std::string eval = "eval --weights " + (out / "run/last.safetensors") + " --data " + data.folder.path();
  CHECK(contains(must_succeed(catdog(eval)).err, warning));
  CHECK(contains(must_succeed(catdog(eval + " --on all")).err, warning));

  // Files that are no images by their names are counted, and disturb nobody.
  for (const char* name : {"train/cat/a.webp", "train/cat/b.WebP", "validation/cat/c.tif"})
    fs::remove(data.folder / name);
  CHECK(contains(must_succeed(counterpoise_program(check + " --strict")).out, "  dog: 1 (none), 1 .txt\n"));
  CHECK(!contains(must_succeed(catdog(eval)).err, "are not read"));
}

TEST_CASE("predict: a folder's images of formats that are not read are found, to be named") {
  const TemporaryFolder folder;
  for (const char* name : {"1.webp", "2.PNG", "3.heic", "4.txt"}) write_file(folder / name, "no image");
  std::vector<std::string> found;
  ImagePaths paths({folder.path()}, [](const std::string&, const std::string&) { CHECK(false); });
  for (std::string path; paths.next(path);) found.push_back(fs::path(path).filename());
  CHECK(found == std::vector<std::string>{"1.webp", "2.PNG", "3.heic"});
}

TEST_CASE("a training does not begin where no image of a class, or of a whole split, can be read") {
  const ShapeSet data({"first", "second"}, {{"train", 4}, {"validation", 3}, {"test", 3}});
  const TemporaryFolder out;
  const auto spoil = [&](const std::string& folder) {
    for (const auto& entry : fs::directory_iterator(data.folder / folder)) write_file(entry.path(), "no image");
  };
  const std::string train = "train " + data.flags("--max-steps 1 --output " + (out / "run"));
  const auto fails = [&](const std::string& part) { check_program_fails(program("counterpoise"), train, 3, part); };

  spoil("test/second");
  const Result warned = must_succeed(counterpoise_program(train));
  CHECK(contains(warned.err, "Warning: there are no readable test images of second: "));
  fs::remove_all(out / "run");
  spoil("test/first");
  fails("no test image can be read; the first: " + (data.folder / "test/first/first.0.bmp: not a JPEG"));
  spoil("train/second");
  fails("no training image of second can be read; the first: " + (data.folder / "train/second/second.0.bmp: not a"));
  CHECK(!fs::exists(out / "run"));
}
