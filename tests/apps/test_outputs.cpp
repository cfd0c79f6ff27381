// A program never writes over what it reads: an output that is an input is refused before anything is done.
#include <filesystem>

#include "tests/apps/small_data.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;

const std::string is_input = " is one of the inputs, which it would replace; give another name";

// The command is refused, and leaves the file as it was.
void check_kept(const std::string& file, const std::string& arguments) {
  const std::string before = slurp(file);
  check_program_fails(program("counterpoise"), arguments, 2, is_input);
  CHECK(slurp(file) == before);
}

}  // namespace

TEST_CASE("outputs: predict and export replace neither weights nor images nor lists") {
  const DataSet data(2, 2);
  const TemporaryFolder out;
  must_succeed(catdog(data.flags("--max-steps 1 --output " + (out / "run"))));
  const std::string weights = out / "run/last.safetensors", folder = data.folder / "train/cat",
                    image = folder + "/cat.1.bmp", list = out / "list.txt", predict = "predict --weights " + weights;
  write_file(list, image + "\n");
  fs::create_symlink(weights, out / "link");
  check_kept(weights, predict + " --output " + (out / "run/../run/last.safetensors") + " " + image);
  check_kept(weights, "export --weights " + weights + " --output " + (out / "link"));
  check_kept(image, predict + " --output " + image + " " + image);
  check_kept(image, predict + " --output " + image + " " + folder);
  check_kept(image, predict + " --output " + image + " - <" + list);
  check_kept(list, predict + " --output " + list + " - <" + list);
  must_succeed(shell(program("counterpoise") + " " + predict + " --output " + (out / "new.csv") + " - <" + list));
  must_succeed(shell(program("counterpoise") + " " + predict + " --output " + (out / "new.csv") + " - <" + list));
}

TEST_CASE("outputs: check, report and show replace no tables, results or images") {
  const ShapeSet data({"first", "second"}, {{"", 4}});
  const TemporaryFolder out;
  const std::string run = out / "run", image = data.folder / "first/first.1.bmp", table = out / "table.csv";
  must_succeed(
      shell(program("counterpoise") + " train " + data.flags("--split 0.5/0.5 --max-steps 1 --output " + run)));
  const std::string split = run + "/split.csv";
  std::string rows = "path,label,group\n";
  for (const auto& entry : fs::recursive_directory_iterator(data.folder.path())) {
    if (entry.is_regular_file())
      rows += entry.path().string() + "," + entry.path().parent_path().stem().string() + ",g\n";
  }
  write_file(table, rows);
  check_kept(table, "check " + table + " --write-groups " + (out / "./table.csv"));
  check_kept(table, "check " + data.folder.path() + " --groups " + table + " --write-groups " + table);
  check_kept(split, "check " + data.folder.path() + " --split-file " + split + " --write-groups " + split);
  check_kept(image, "check " + data.folder.path() + " --write-groups " + image);
  check_kept(run + "/result.json", "report " + run + " --output " + run + "/result.json");
  must_succeed(shell(program("counterpoise") + " report " + run));  // whose own report.html is replaced
  const std::string shown = data.folder / "first/images.png";
  fs::copy(image, shown);
  check_kept(shown, "show " + data.flags("--output " + (data.folder / "first")));
  CHECK(!fs::exists(data.folder / "first/counts.svg"));
}
