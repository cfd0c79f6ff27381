// predict: the same logits as an evaluation, for files, folders and lists, one line per image in order.
#include "apps/trainer/predict_command.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "apps/trainer/image_paths.h"
#include "data/tables/csv.h"
#include "tests/apps/small_data.h"
#include "tests/golden.h"

using namespace counterpoise;

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

// A column of CSV text.
Words column(const std::string& csv, const std::string& name) {
  CsvReader reader(csv, "csv");
  const size_t at = reader.find(name);
  REQUIRE_MESSAGE(at < reader.header().size(), csv);
  Words values;
  for (Words row; reader.next(row);) values.push_back(row[at]);
  return values;
}

// Everything that the paths lead to, and what was complained about, each as "! PATH: REASON".
Words found(const Words& names, const std::string& input = "") {
  const TemporaryFolder folder;
  write_file(folder / "list", input);
  FILE* list = std::fopen((folder / "list").c_str(), "r");
  Words all;
  ImagePaths paths(
      names, [&](const std::string& path, const std::string& reason) { all.push_back("! " + path + ": " + reason); },
      fileno(list));
  for (std::string path; paths.next(path);) all.push_back(path);
  std::fclose(list);
  return all;
}

// Small images and weights that were trained on them.
struct Trained {
  Trained() { must_succeed(catdog("train " + data.flags("--threshold 0.4 --output " + (out / "run")))); }
  std::string weights() const { return out / "run/best.safetensors"; }
  std::string images() const { return data.folder / "validation"; }
  Result predict(const std::string& arguments) const {
    return catdog("predict --weights " + weights() + " " + arguments);
  }
  const DataSet data;
  const TemporaryFolder out;
};

const Trained& trained() {
  static const Trained all;
  return all;
}

}  // namespace

TEST_CASE("predict: paths of files, folders and lists come in order") {
  const TemporaryFolder folder;
  for (const char* name :
       {"a/10.jpg", "a/2.JPEG", "a/.hidden.png", "a/notes.txt", "a/b/1.png", "c/x.bmp", "empty/no.text"}) {
    make_directories(folder / fs::path(name).parent_path().string());
    write_file(folder / name, "");
  }
  fs::create_directory_symlink("..", folder / "a/b/back");
  const std::string a = folder / "a", list = "x.jpg\r\n\n" + (folder / "c") + "\nlast one.png";
  CHECK(found({a}) == Words{a + "/2.JPEG", a + "/10.jpg", a + "/b/1.png"});
  CHECK(found({a + "/b/"}) == Words{a + "/b/1.png", a + "/b/back/2.JPEG", a + "/b/back/10.jpg"});
  CHECK(found({"z.gif", "-", a + "/10.jpg"}, list) ==
        Words{"z.gif", "x.jpg", (folder / "c") + "/x.bmp", "last one.png", a + "/10.jpg"});
  CHECK(found({folder / "empty", "q"}) ==
        Words{"! " + (folder / "empty") + ": holds no .jpg, .jpeg, .png or .bmp file", "q"});
  fs::create_symlink("loop", folder / "c/loop"), fs::create_symlink("nothing", folder / "c/link");
  CHECK(found({folder / "c"}) ==
        Words{"! " + (folder / "c/loop") + ": Too many levels of symbolic links (check the path and the disk)",
              folder / "c/x.bmp"});
  CHECK(found({"-"}, "\n\r\n").empty());
  CHECK(found({"-"}, "\xef\xbb\xbfx.jpg\r\n\xef\xbb\xbfy.jpg") == Words{"x.jpg", "\xef\xbb\xbfy.jpg"});
  CHECK(found({"-"}, "\xef\xbb\xbf\n").empty());
  CHECK(contains(error_of([] { found({"-", "a", "-"}); }, ErrorKind::invalid_argument), "is given twice"));
}

TEST_CASE("predict: the logits are those of an evaluation, to the last digit" * slow()) {
  const Trained& t = trained();
  must_succeed(catdog("eval --weights " + t.weights() + " --data " + t.data.folder.path() +
                      " --batch-size 32 --output " + (t.out / "eval")));
  const std::string predictions = slurp(t.out / "eval/predictions.csv");
  const Result r = must_succeed(t.predict("--logits " + t.images()));
  CHECK(lines_of(r.out)[0] == "path,predicted,probability:cat,probability:dog,logit");
  CHECK(column(r.out, "path") == column(predictions, "path"));
  CHECK(column(r.out, "logit") == column(predictions, "logit"));
  CHECK(contains(r.err, "8 images predicted\n"));
  // The threshold that was kept with the weights, 0.4, decides; or the one of the command line.
  const Words logits = column(r.out, "logit"), cats = column(r.out, "probability:cat"),
              dogs = column(r.out, "probability:dog"), predicted = column(r.out, "predicted");
  for (size_t i = 0; i < logits.size(); ++i) {
    const double cat = 1 / (1 + std::exp(-std::stod(logits[i])));
    CHECK(std::stod(cats[i]) == doctest::Approx(cat).epsilon(1e-8));
    CHECK(std::stod(dogs[i]) == doctest::Approx(1 - cat).epsilon(1e-8));
    CHECK(predicted[i] == (cat >= 0.4 ? "cat" : "dog"));
  }
  for (const std::string& name : column(t.predict("--threshold 0.000001 " + t.images()).out, "predicted"))
    CHECK(name == "cat");
  for (const std::string& name : column(t.predict("--threshold 0.999999 " + t.images()).out, "predicted"))
    CHECK(name == "dog");
}

TEST_CASE("predict: test-time augmentation averages the logits of an image and its views" * slow()) {
  const Trained& t = trained();
  // The mirror images as files.
  const TemporaryFolder mirrored;
  for (int i = 0; i < 4; ++i) {
    std::vector<uint8_t> rgb = draw_animal(Animal::cat, 32, 2, i);
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 16; ++x)
        std::swap_ranges(&rgb[(y * 32 + x) * 3], &rgb[(y * 32 + x) * 3 + 3], &rgb[(y * 32 + 31 - x) * 3]);
    }
    write_bmp(mirrored / ("cat." + std::to_string(i) + ".bmp"), rgb, 32);
  }
  const std::string cats = t.images() + "/cat";
  const Words plain = column(t.predict("--logits " + cats).out, "logit");
  const Words mirror = column(t.predict("--logits " + mirrored.path()).out, "logit");
  const Words both = column(t.predict("--logits --tta flip=1 " + cats).out, "logit");
  const Words more = column(t.predict("--logits --tta flip=1 --tta-views 3 " + cats).out, "logit");
  REQUIRE(both.size() == 4);
  double apart = 0;
  for (size_t i = 0; i < 4; ++i) {
    const double a = std::stod(plain[i]), b = std::stod(mirror[i]);
    CHECK(std::abs(std::stod(both[i]) - (a + b) / 2) < 1e-5);
    CHECK(std::abs(std::stod(more[i]) - (a + 3 * b) / 4) < 1e-5);
    apart = std::max(apart, std::abs(a - b));
  }
  CHECK(apart > 1e-4);
  // An evaluation does the same, and views that are drawn differ from each other.
  must_succeed(catdog("eval --weights " + t.weights() + " --data " + t.data.folder.path() + " --tta flip=1 --output " +
                      (t.out / "tta")));
  const Words evaluated = column(slurp(t.out / "tta/predictions.csv"), "logit");
  for (size_t i = 0; i < 4; ++i) CHECK(std::abs(std::stod(evaluated[i]) - std::stod(both[i])) < 1e-6);
  CHECK(column(t.predict("--logits --tta rotate=0.5 --tta-views 2 " + cats).out, "logit") !=
        column(t.predict("--logits --tta rotate=0.5 " + cats).out, "logit"));
  // The place of an image in the list does not matter.
  const auto rotated = [&](const char* first, const char* second) {
    const std::string names = cats + "/" + first + " " + cats + "/" + second;
    return column(t.predict("--logits --batch-size 1 --tta rotate=0.5 --tta-views 2 " + names).out, "logit");
  };
  const Words one = rotated("cat.0.bmp", "cat.1.bmp"), other = rotated("cat.1.bmp", "cat.0.bmp");
  CHECK(one == Words{other[1], other[0]});
  check_fails("predict --weights " + t.weights() + " --tta-views 2 " + cats, 2, "--tta-views: ");
  check_fails("eval --weights " + t.weights() + " --tta rare:flip", 2, "--tta: ");
  check_fails("predict --weights " + t.weights() + " --tta cat:flip,dog:none " + cats, 2, "--tta: ");
}

TEST_CASE("predict: JSON lines, the most probable classes, and a file" * slow()) {
  const Trained& t = trained();
  const std::string csv = t.predict("--logits " + t.images()).out;
  const Result r = t.predict("--format jsonl --logits " + t.images());
  const Words lines = lines_of(r.out);
  REQUIRE(lines.size() == 8);
  for (size_t i = 0; i < lines.size(); ++i) {
    const Json json = parse_json(lines[i]);
    CHECK(json["path"] == column(csv, "path")[i]);
    CHECK(json["predicted"] == column(csv, "predicted")[i]);
    CHECK(json["logit"].get<double>() == std::stod(column(csv, "logit")[i]));
    CHECK(json["probabilities"]["cat"].get<double>() + json["probabilities"]["dog"].get<double>() ==
          doctest::Approx(1));
  }
  const Result top = t.predict("--top-k 1 " + t.images());
  CHECK(lines_of(top.out)[0] == "path,predicted,class1,probability1");
  for (const std::string& p : column(top.out, "probability1")) CHECK(std::stod(p) >= 0.5);
  const Result file = must_succeed(t.predict("--output " + (t.out / "p.jsonl") + " --logits " + t.images()));
  CHECK(file.out == "");
  CHECK(slurp(t.out / "p.jsonl") == r.out);
  CHECK(t.predict("--output - --format jsonl --logits " + t.images()).out == r.out);
}

TEST_CASE("predict: an image that cannot be read is named, and the others are predicted in order" * slow()) {
  const Trained& t = trained();
  write_file(t.out / "broken.jpg", "no image");
  make_directories(t.out / "empty");
  const std::string cats = t.images() + "/cat/cat.";
  const std::string names =
      cats + "0.bmp " + (t.out / "broken.jpg") + " " + (t.out / "empty") + " " + cats + "1.bmp /nowhere.png";
  const Result r = t.predict("--format jsonl " + names);
  CHECK(r.code == 3);
  const Words lines = lines_of(r.out), errors = lines_of(r.err);
  REQUIRE(lines.size() == 5);
  CHECK(parse_json(lines[0])["path"] == cats + "0.bmp");
  CHECK(contains(parse_json(lines[1])["error"].get<std::string>(), (t.out / "broken.jpg") + ": "));
  CHECK(contains(parse_json(lines[2])["error"].get<std::string>(), "holds no .jpg"));
  CHECK(parse_json(lines[3])["path"] == cats + "1.bmp");
  CHECK(contains(parse_json(lines[4])["error"].get<std::string>(), "/nowhere.png"));
  REQUIRE(errors.size() == 4);
  CHECK(contains(errors[0], (t.out / "broken.jpg") + ": "));
  CHECK(contains(errors[2], "/nowhere.png"));
  CHECK(errors[3] == "2 images predicted, 3 could not be read");
  const Result csv = t.predict(names);
  CHECK(csv.code == 3);
  CHECK(column(csv.out, "path") == Words{cats + "0.bmp", cats + "1.bmp"});
  const Result none = t.predict("/nowhere.png");
  CHECK(none.code == 3);
  CHECK(lines_of(none.out).size() == 1);
}

TEST_CASE("predict: a long list, a list that grows, and a reader that ends" * slow()) {
  const Trained& t = trained();
  std::string list;
  Words wanted;
  for (int i = 0; i < 2500; ++i) {
    wanted.push_back(t.images() + (i % 2 ? "/dog/dog." : "/cat/cat.") + std::to_string(i % 4) + ".bmp");
    list += wanted.back() + "\n";
  }
  write_file(t.out / "list", list);
  const Result r = must_succeed(t.predict("- < " + (t.out / "list")));
  CHECK(column(r.out, "path") == wanted);

  // The prediction of a line is there before the next line is.
  const std::string pipe = t.out / "pipe", output = t.out / "grown";
  const Result grown =
      shell("mkfifo " + pipe + "; " + program("catdog") + " predict --weights " + t.weights() + " - < " + pipe + " > " +
            output + " 2>/dev/null & exec 3> " + pipe + "; for i in 0 1; do echo " + t.images() +
            "/cat/cat.$i.bmp >&3; n=0; until [ $(wc -l < " + output +
            ") = $((i + 2)) ] || [ $n = 300 ]; do sleep 0.1; n=$((n + 1)); "
            "done; wc -l < " +
            output + "; done; exec 3>&-; wait");
  CHECK(grown.out == "2\n3\n");

  const Result closed = shell("{ " + program("catdog") + " predict --weights " + t.weights() + " - < " +
                              (t.out / "list") + "; echo $? >&2; } | true");
  CHECK(closed.err == "141\n");
  const Result full = t.predict(t.images() + " > /dev/full");
  CHECK(full.code == 1);
  CHECK(contains(last_line(full.err), "cannot be written to standard output"));
}

TEST_CASE("predict: more than two classes" * slow()) {
  const TemporaryFolder out;
  DataSet data;
  make_directories(data.folder / "train/owl");
  make_directories(data.folder / "validation/owl");
  for (int i = 0; i < 4; ++i) {
    for (const char* split : {"train", "validation"})
      write_bmp(data.folder / (std::string(split) + "/owl/" + std::to_string(i) + ".bmp"),
                draw_animal(Animal::dog, 32, 9, i), 32);
  }
  const std::string run = out / "run";
  must_succeed(catdog("train " + data.flags("--output " + run)));
  const std::string weights = "--weights " + run + "/best.safetensors ";
  must_succeed(catdog("eval " + weights + "--data " + data.folder.path() + " --output " + (out / "eval")));
  const std::string predictions = slurp(out / "eval/predictions.csv");
  const Result r = must_succeed(catdog("predict --logits " + weights + (data.folder / "validation")));
  for (const char* name : {"path", "predicted", "logit:cat", "logit:dog", "logit:owl"})
    CHECK(column(r.out, name) == column(predictions, name));
  const Result top = catdog("predict --format jsonl --top-k 2 " + weights + (data.folder / "validation/owl"));
  REQUIRE(lines_of(top.out).size() == 4);
  for (const std::string& line : lines_of(top.out)) {
    const Json json = parse_json(line);
    REQUIRE(json["top"].size() == 2);
    CHECK(json["top"][0]["class"] == json["predicted"]);
    CHECK(json["top"][0]["probability"].get<double>() >= json["top"][1]["probability"].get<double>());
  }
  check_fails("predict --threshold 0.5 " + weights + "x.jpg", 2, "--threshold: is for two classes");
}

TEST_CASE("predict: a wrong command line is one clear line" * slow()) {
  const Trained& t = trained();
  const std::string predict = "predict --weights " + t.weights() + " ";
  check_fails("predict x.jpg", 2, "--weights");
  check_fails(predict, 2, "FILES");
  check_fails(predict + "- -", 2, "- stands for standard input, and is given twice");
  check_fails(predict + "--format xml x.jpg", 2, "\"xml\" is unknown; valid are csv, jsonl");
  check_fails(predict + "--threshold 2 x.jpg", 2, "--threshold 2 is out of range");
  check_fails(predict + "--positive cow x.jpg", 2, "cow");
  check_fails("predict --weights /nowhere x.jpg", 3, "/nowhere");
  check_fails(predict + "--output /nowhere/x.csv x.jpg", 1, "/nowhere");
}
