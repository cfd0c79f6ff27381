// split.csv, which is written and read again; on a thousand random tables what must hold for each split.
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "core/random.h"
#include "data/tables/csv.h"
#include "tests/data/image_sets.h"

using namespace counterpoise;
namespace fs = std::filesystem;

TEST_CASE("image sets: split.csv names every image, and nothing else") {
  const ImageTree f;
  f.images("a", 10), f.images("b", 10);
  ImageSource s = f.source();
  s.seed = 3;
  const std::string csv = split_csv(open_image_sets(s));
  CHECK(csv.rfind("path,label,group,split\na/0.bmp,a,,", 0) == 0);
  s.split_file = f.csv("split.csv", csv);
  CHECK(open_image_sets(s).origin == "split as in " + s.split_file);
  s.shares = {0.5, 0.5};
  CHECK(contains(f.error(s, ErrorKind::invalid_argument), "shares do not apply"));
  s.shares = {};
  f.images("b", 2, 10);
  CHECK(contains(f.error(s), "split.csv: does not name 2 of the 22 images of "));
  CHECK(contains(f.error(s), "; the first is b/10.bmp"));
  fs::remove(f.path / "b/10.bmp"), fs::remove(f.path / "b/11.bmp"), fs::remove(f.path / "a/3.bmp");
  CHECK(contains(f.error(s), "split.csv: names 1 images that "));
  CHECK(contains(f.error(s), " does not have; the first is a/3.bmp"));
  f.images("a", 1, 3);
  f.csv("split.csv", csv + "a/3.bmp,a,,test\n");
  CHECK(contains(f.error(s), "split.csv, line 22: a/3.bmp is named for the second time"));
  f.csv("split.csv", csv);
  fs::rename(f.path / "a/3.bmp", f.path / "b/33.bmp");
  f.csv("split.csv", csv + "b/33.bmp,a,,test\n");
  CHECK(contains(f.error(s), "line 22: b/33.bmp has the label \"a\", but \"b\" in "));
  f.csv("split.csv", "path,split\na/0.bmp,train\n");
  CHECK(contains(f.error(s), "does not name 19 of the 20 images"));
}

TEST_CASE("image sets: tables find images through symbolic links") {
  const ImageTree f;
  f.images("set/a", 4), f.images("set/b", 4);
  fs::create_directory_symlink(f.path / "set", f.path / "link");
  std::string csv = "path,group\n";
  for (const char* label : {"a", "b"}) {
    for (int i = 0; i < 4; ++i) csv += detail::text((f.path / "set" / label).string(), "/", i, ".bmp,", label, i, "\n");
  }
  ImageSource s = f.source("link");
  s.groups = f.csv("groups.csv", csv + (f.path / "set/none.bmp").string() + ",x\n");
  CHECK(open_image_sets(s).listing.images[5].group == "b1");
  CHECK(open_image_sets(s).listing.images[5].name == "b/1.bmp");
}

TEST_CASE("image sets: shares as text") {
  CHECK(parse_shares("0.8/0.1/0.1") == std::vector<double>{0.8, 0.1, 0.1});
  CHECK(parse_shares("0.75/0.25") == std::vector<double>{0.75, 0.25});
  const auto error = [](const char* text) {
    return error_of([&] { parse_shares(text); }, ErrorKind::invalid_argument);
  };
  CHECK(contains(error("0.8"), "two numbers (training/validation) or three"));
  CHECK(contains(error("0.8/0.1/0.05/0.05"), "not 4"));
  CHECK(contains(error("0.8/0.1/0.2"), "add up to 1.1"));
  CHECK(contains(error("1/0"), "the share 1 of a split is not between 0 and 1"));
  for (const char* text : {"", "a/b", "0.8//0.2", "0.8/0.2/", "80%/20%"}) {
    CAPTURE(text);
    CHECK(contains(error(text), "is not the shares of a split, such as 0.8/0.1/0.1"));
  }
}

TEST_CASE("image sets: split.csv keeps the groups, of a folder, too") {
  const ImageTree f;
  f.images("a", 12), f.images("b", 12);
  std::string csv = "path,group\n";
  for (const char* label : {"a", "b"}) {
    for (int i = 0; i < 12; ++i) csv += detail::text(label, "/", i, ".bmp,\"", label, ", ", i / 2, "\"\n");
  }
  ImageSource s = f.source();
  s.groups = f.csv("groups.csv", csv);
  const ImageSets sets = open_image_sets(s);
  CHECK(contains(split_csv(sets), "a/3.bmp,a,\"a, 1\","));
  s.split_file = f.csv("split.csv", split_csv(sets));
  check_same(open_image_sets(s), sets);
  s.groups = "";
  const ImageSets again = open_image_sets(s);
  CHECK(again.listing.has_groups);
  CHECK(split_csv(again) == split_csv(sets));
  s.folds = 3;
  std::map<std::string, std::set<DataSplit>> splits;
  for (const ListedImage& image : open_image_sets(s).listing.images) splits[image.group].insert(image.split);
  CHECK(splits.size() == 12);
  for (const auto& [group, in] : splits) CHECK(in.size() == 1);
  s.folds = 0;
  f.csv("split.csv", split_csv(sets) + "\n");  // an empty line at the end does not matter
  CHECK(split_csv(open_image_sets(s)) == split_csv(sets));
}

TEST_CASE("image sets: on a thousand random tables no group is split, and split.csv gives the split again" * slow()) {
  const ImageTree f;
  f.images("some, \"quoted\"", 40), f.images("more", 40);
  fs::create_directories(f.path / "runs");
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    Random rng(seed, Stream::test);
    const size_t n = 12 + rng.below(60), classes = 2 + rng.below(3), groups = 6 + rng.below(n);
    const bool grouped = rng.below(2), three = rng.below(2);
    std::vector<int> order(80);
    for (int i = 0; i < 80; ++i) order[i] = i;
    rng.shuffle(order);
    std::string csv = "path,label,group\n";
    for (size_t k = 0; k < n; ++k) {
      const std::string name = detail::text(order[k] < 40 ? "some, \"quoted\"" : "more", "/", order[k] % 40, ".bmp");
      csv += csv_field(order[k] % 3 ? name : (f.path / name).string());
      // In groups of its own, so that each class has enough to be split.
      const size_t label = k % classes;
      csv += detail::text(",class ", label, ",");
      if (grouped) csv += detail::text("\"group \"\"", label, "\"\", ", k / classes % groups, "\"");
      csv += "\n";
    }
    f.csv("table.csv", csv);
    ImageSource s = f.source("table.csv");
    s.seed = seed;
    s.shares = three ? std::vector<double>{0.5, 0.25, 0.25} : std::vector<double>{0.6, 0.4};
    if (rng.below(3) == 0) s.folds = 3, s.fold = static_cast<int>(rng.below(3));
    const ImageSets sets = open_image_sets(s);

    size_t total = 0;
    std::map<std::string, std::set<DataSplit>> splits;
    for (const ListedImage& image : sets.listing.images) splits[image.group].insert(image.split);
    for (const auto* set : {&sets.training, &sets.validation, &sets.test}) total += *set ? (*set)->size() : 0;
    CHECK(total == n);
    CHECK((sets.test != nullptr) == three);
    bool whole = true;
    for (const auto& [group, in] : splits) whole = whole && (!grouped || in.size() == 1);
    CHECK(whole);
    if (!grouped && s.folds == 0) {
      const Counts training = sets.training->counts();
      for (size_t c = 0; c < classes; ++c) {
        const double of_class = static_cast<double>(n / classes + (c < n % classes));
        CHECK(std::abs(static_cast<double>(training[c]) - s.shares[0] * of_class) <= 1);
      }
    }

    ImageSource again = f.source("table.csv");
    again.split_file = f.csv("runs/split.csv", split_csv(sets));
    const ImageSets same = open_image_sets(again);
    check_same(same, sets);
    CHECK(split_csv(same) == split_csv(sets));
  }
}

TEST_CASE("image sets: split.csv can be read from another working directory, and be the data itself") {
  const ImageTree f;
  f.images("data/a", 10), f.images("data/b", 10);
  const fs::path before = fs::current_path();
  fs::current_path(f.path);
  ImageSource s;
  s.data = "data", s.image_size = 4, s.seed = 5;
  const ImageSets here = open_image_sets(s);
  CHECK(here.training->samples()[0].path.rfind("data/a/", 0) == 0);
  f.csv("data/split.csv", split_csv(here));
  fs::current_path(f.path / "data/a");
  s.data = "../../data", s.split_file = "../split.csv", s.seed = 0;
  const ImageSets there = open_image_sets(s);
  const std::string other = split_csv(there);
  s.data = "../split.csv", s.split_file = "";
  const ImageSets table = open_image_sets(s);
  const bool readable = table.training->load(0) != nullptr;
  fs::current_path(before);
  CHECK(other == split_csv(here));
  CHECK(split_csv(table) == split_csv(here));
  CHECK(readable);
}
