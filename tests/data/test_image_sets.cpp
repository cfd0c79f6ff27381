// Data sets of images in every layout: folders, CSV files, groups, folds.
#include "data/images/image_sets.h"

#include <filesystem>
#include <map>
#include <set>

#include "tests/data/image_sets.h"

using namespace counterpoise;
namespace fs = std::filesystem;

TEST_CASE("image sets: splits that the folders give") {
  const ImageTree f;
  f.images("Train/cat", 3), f.images("Train/dog", 2), f.images("valid/cat", 2), f.images("valid/dog", 1);
  f.images("extra", 3);  // no split
  const ImageSets two = open_image_sets(f.source());
  CHECK(two.training->classes() == std::vector<std::string>{"cat", "dog"});
  CHECK(counts(two.training) == Counts{3, 2});
  CHECK(counts(two.validation) == Counts{2, 1});
  CHECK(!two.test);
  CHECK(!two.drawn);
  CHECK(two.training->samples()[1].path == (f.path / "Train/cat/1.bmp").string());
  CHECK(two.training->load(1) != nullptr);
  CHECK((*two.training->load(1))[0] == 1);

  f.images("Testing/dog", 4);
  fs::create_directories(f.path / "Testing/cat");  // no cat among them
  const ImageSets three = open_image_sets(f.source());
  CHECK(counts(three.test) == Counts{0, 4});
  CHECK(three.test->classes() == three.training->classes());
  CHECK(paths(three.training) == paths(two.training));
}

TEST_CASE("image sets: an image that vanishes is left out; where its folder vanishes, that is an error") {
  const ImageTree f;
  f.images("train/cat", 3), f.images("train/dog", 2), f.images("val/cat", 2), f.images("val/dog", 1);
  const ImageSets sets = open_image_sets(f.source());
  fs::remove(f.path / "train/cat/1.bmp");
  CHECK(sets.training->load(1) == nullptr);
  CHECK(sets.training->unreadable().size() == 1);
  fs::rename(f.path / "train", f.path / "moved");
  const std::string folder_is_gone =
      "cat/2.bmp: its folder is not there any more; was it moved, or its disk unmounted?";
  CHECK(contains(error_of([&] { sets.training->load(2); }, ErrorKind::failure), folder_is_gone));
  fs::create_symlink("train", f.path / "train");  // a link to itself: nobody knows whether the folder is there
  CHECK(contains(error_of([&] { sets.training->load(2); }, ErrorKind::failure), "cat/2.bmp: Too many levels of"));
  fs::remove(f.path / "train");
  CHECK(sets.training->unreadable().size() == 1);
  fs::rename(f.path / "moved", f.path / "train");
  CHECK(sets.training->load(2) != nullptr);
}

TEST_CASE("image sets: validation images are split off the training images, the test split stays") {
  const ImageTree f;
  f.images("training/cat", 10), f.images("training/dog", 20);
  ImageSource s = f.source();
  const ImageSets sets = open_image_sets(s);
  CHECK(counts(sets.training) == Counts{8, 16});
  CHECK(counts(sets.validation) == Counts{2, 4});
  CHECK(!sets.test);
  CHECK(sets.drawn);
  CHECK(sets.origin == "training images split 0.8/0.2 by seed 0");
  s.seed = 1;
  CHECK(paths(open_image_sets(s).validation) != paths(sets.validation));
  s.shares = {0.5, 0.3, 0.2};
  CHECK(counts(open_image_sets(s).test) == Counts{2, 4});

  f.images("test/cat", 5), f.images("test/dog", 5);
  CHECK(contains(f.error(s, ErrorKind::invalid_argument), "two shares, of training and validation, not 0.5/0.3/0.2"));
  s.shares = {0.5, 0.5};
  const ImageSets tested = open_image_sets(s);
  CHECK(counts(tested.training) == Counts{5, 10});
  CHECK(counts(tested.test) == Counts{5, 5});
  for (const auto& sample : tested.test->samples()) CHECK(contains(sample.path, "/test/"));
}

TEST_CASE("image sets: one folder of classes is split, stratified") {
  const ImageTree f;
  f.images("cat", 100), f.images("dog", 30), f.images("val", 10), f.images("test", 3);  // two classes named so
  ImageSource s = f.source();
  const ImageSets sets = open_image_sets(s);
  CHECK(sets.training->classes() == std::vector<std::string>{"cat", "dog", "test", "val"});
  CHECK(counts(sets.training) == Counts{80, 24, 1, 8});
  CHECK(counts(sets.validation) == Counts{10, 3, 1, 1});
  CHECK(counts(sets.test) == Counts{10, 3, 1, 1});
  CHECK(sets.drawn);
  s.shares = {0.75, 0.25};
  CHECK(counts(open_image_sets(s).validation) == Counts{25, 7, 1, 3});  // of 7.5 and 2.5 one is rounded down
  CHECK(!open_image_sets(s).test);

  // The split does not depend on where the folder lies.
  fs::rename(f.path, f.path.string() + "-moved");
  s = f.source();
  s.data += "-moved";
  const ImageSets moved = open_image_sets(s);
  fs::rename(f.path.string() + "-moved", f.path);
  CHECK(split_csv(moved) == split_csv(sets));
}

TEST_CASE("image sets: layouts that are ambiguous, or none") {
  const auto error = [](const std::vector<std::string>& folders) {
    const ImageTree f;
    for (const std::string& folder : folders) f.images(folder, 2);
    return f.error();
  };
  CHECK(contains(error({"train/cat", "train/dog", "valid/cat", "validation/cat"}),
                 ": valid/, validation/ are two folders of the same split (validation)"));
  CHECK(contains(error({"train/cat", "train/dog", "bird"}),
                 "train/ holds folders of classes, but bird/ beside it holds images, too"));
  CHECK(contains(error({"train/cat", "train/dog", "test1"}), "but test1/ beside it"));
  CHECK(
      contains(error({"train/cat", "train/dog", "val/cat", "test"}), "/test: holds images but no folders of classes"));
  CHECK(
      contains(error({"cat", "dog", "test/cat", "test/dog"}),
               "test/ holds folders, as a split does, but there is no train/; put cat/, dog/ into train/, or rename"));
  CHECK(contains(error({"val/cat", "val/dog"}), ": has no training images"));
  CHECK(contains(error({"test/cat", "test/dog"}), ": has no training images"));
  CHECK(contains(error({"train", "test1"}), ": test1/, train/ in it hold no folders of classes"));
  CHECK(contains(error({"train"}), "train/ in it hold no folders of classes"));
  CHECK(contains(error({"train/cat", "train/dog", "val/cat", "val/fox"}),
                 "class fox has validation images, such as val/fox/0.bmp, but no training image"));
  CHECK(contains(error({"train/cat", "train/dog", "val/dog", "test/cow"}),
                 "class cow has test images, such as test/cow/0.bmp, but no training image"));
  CHECK(contains(error({"cat/a", "cat/b", "cat/c"}), "all images are of one class, cat; at least two are needed"));
  CHECK(contains(error({}), "holds no folders"));
  const ImageTree f;
  CHECK(contains(f.error(f.source("none")), "/none: no such folder; a data set is a folder DIR/CLASS/*.jpg"));
  CHECK(contains(f.error(f.source("none.csv")), "none.csv"));
  f.images("cat", 1), f.text_file("dog/a.txt");
  CHECK(contains(f.error(), "no images in this class's folder"));
  f.images("dog", 1);
  CHECK(contains(f.error(), "2 samples cannot be split into 3 parts"));
}

TEST_CASE("image sets: images to judge a model by, without training images and with its classes") {
  const ImageTree f;
  f.images("val/dog", 2), f.images("val/cat", 3);
  const ImageListing listing = list_images(f.path.string());
  CHECK(listing.count(DataSplit::validation) == 5);
  const auto set = open_images(listing, DataSplit::validation, {"emu", "dog", "cat"}, 4);
  REQUIRE(set);
  CHECK(set->counts() == Counts{0, 2, 3});
  CHECK(contains(set->samples()[0].path, "val/dog/0.bmp"));
  CHECK(!open_images(listing, DataSplit::test, {"cat"}, 4));
  CHECK(contains(error_of(
                     [&] {
                       open_images(listing, DataSplit::validation, {"cat", "emu"}, 4);
                     },
                     ErrorKind::bad_data),
                 "val/dog/0.bmp is of class dog, which is none of cat, emu"));
}

TEST_CASE("image sets: groups stay whole, and every image has one") {
  const ImageTree f;
  std::string csv = "path,group,note\n";
  for (int i = 0; i < 60; ++i) {
    f.images(i % 3 ? "ill" : "well", 1, i);
    // By each of the three spellings of a path.
    const std::string name = detail::text(i % 3 ? "ill/" : "well/", i, ".bmp");
    const std::string from[] = {name, "../" + name, (f.path / name).string()};
    csv += detail::text(from[i % 3], ",patient ", i / 4, ",x\n");
  }
  fs::create_directories(f.path / "tables");
  // A folder whose name begins with a dot is no class.
  fs::rename(f.path / "tables", f.path / ".tables");
  ImageSource s = f.source();
  s.groups = f.csv(".tables/groups.csv", csv + "well/none.bmp,patient 99,\n");
  const ImageSets sets = open_image_sets(s);
  std::map<std::string, std::set<DataSplit>> splits;
  for (const ListedImage& image : sets.listing.images) splits[image.group].insert(image.split);
  CHECK(splits.size() == 15);
  for (const auto& [group, in] : splits) CHECK(in.size() == 1);
  CHECK(sets.validation->size() >= 4);
  CHECK(sets.test->size() >= 4);
  CHECK(contains(sets.origin, "groups kept whole"));

  s.groups = f.csv(".tables/few.csv", "path,group\nill/1.bmp,a\n");
  CHECK(contains(f.error(s), "few.csv: has no group for 59 of the 60 images of "));
  CHECK(contains(f.error(s), "; the first is ill/2.bmp"));
  s.groups = f.csv(".tables/two.csv", csv + "ill/1.bmp,patient 7,\n");
  CHECK(contains(f.error(s), "two.csv, line 62: ill/1.bmp is in group patient 7, but in group patient 0 above"));
  s.groups = f.csv(".tables/empty.csv", "path,group\nill/1.bmp,\n");
  CHECK(contains(f.error(s), "empty.csv, line 2: the group is empty"));
  s.groups = f.csv(".tables/columns.csv", "file,group\nill/1.bmp,a\n");
  CHECK(contains(f.error(s), "its first line must name the columns path, group, but is: file, group"));
}

TEST_CASE("image sets: a group in two splits that are given is an error") {
  const ImageTree f;
  for (const char* split : {"train", "val"})
    f.images(std::string(split) + "/a", 1), f.images(std::string(split) + "/b", 1);
  ImageSource s = f.source();
  s.groups = f.csv("groups.csv", "path,group\ntrain/a/0.bmp,x\ntrain/b/0.bmp,y\nval/a/0.bmp,z\nval/b/0.bmp,y\n");
  CHECK(contains(f.error(s), "group y is in two splits: train/b/0.bmp in training, val/b/0.bmp in validation"));
}

TEST_CASE("image sets: a CSV file of paths and labels") {
  const ImageTree f;
  f.images("all", 20);
  std::string rows, grouped = "path,label,group\n", given = "label,split,path\n";
  for (int i = 0; i < 20; ++i) {
    const std::string label = i % 2 ? "odd" : "\"even, or zero\"";
    rows += detail::text("all/", i, ".bmp, ", label == "odd" ? "odd " : label, "\n");
    grouped += detail::text("all/", i, ".bmp,", label, ",", i / 4, "\n");
    given += detail::text(label, ",", i < 10 ? "Train" : i < 16 ? "val" : "test", ",all/", i, ".bmp\n");
  }
  f.csv(
      "a.csv", "path,label\n" + [&] {
        std::string y = rows;
        for (size_t at; (at = y.find(", \"")) != std::string::npos;) y.erase(at + 1, 1);
        return y;
      }());
  const ImageSets sets = open_image_sets(f.source("a.csv"));
  CHECK(sets.training->classes() == std::vector<std::string>{"even, or zero", "odd"});
  CHECK(counts(sets.training) == Counts{8, 8});
  CHECK(counts(sets.test) == Counts{1, 1});
  f.csv("grouped.csv", grouped);
  const ImageSets whole = open_image_sets(f.source("grouped.csv"));
  CHECK(whole.listing.has_groups);
  CHECK(counts(whole.validation) == Counts{2, 2});
  f.csv("given.CSV", given);
  const ImageSets splits = open_image_sets(f.source("given.CSV"));
  CHECK(counts(splits.training) == Counts{5, 5});
  CHECK(counts(splits.validation) == Counts{3, 3});
  CHECK(counts(splits.test) == Counts{2, 2});
  CHECK(!splits.drawn);
  CHECK(splits.training->load(0) != nullptr);

  const auto error = [&](const std::string& text) {
    f.csv("bad.csv", text);
    return f.error(f.source("bad.csv"));
  };
  CHECK(contains(error("path,label\nall/0.bmp,a\nall/99.bmp,b\n"), "bad.csv, line 3: "));
  CHECK(contains(error("path,label\nall/0.bmp,a\nall/99.bmp,b\n"),
                 "all/99.bmp: no such file; paths are relative to the folder of "));
  CHECK(contains(error("path,label\nall/0.bmp, \n"), "bad.csv, line 2: the label is empty"));
  CHECK(contains(error("path,label\n,a\n"), "bad.csv, line 2: the path is empty"));
  CHECK(contains(error("path,label\nall/0.bmp,\xE9\n"), "bad.csv, line 2: the label is not UTF-8"));
  CHECK(
      contains(error("path,label,split\nall/0.bmp,a,dev\n"), "line 2: the split \"dev\" is none of train or training"));
  CHECK(contains(error("path,label,split\nall/0.bmp,a,\n"), "line 2: the split is empty"));
  CHECK(contains(error("path,label,group\nall/0.bmp,a,x\nall/1.bmp,b,\n"), "line 3: the group is empty, but other"));
  CHECK(contains(error("path,label,label\nall/0.bmp,a,x\n"), "two columns are named \"label\""));
  CHECK(contains(error("path;label\nall/0.bmp;a\n"), "must name the columns path, label, but is: path;label"));
  CHECK(contains(error("path,label\n"), "holds no rows"));
  CHECK(contains(error("path,label,split\nall/0.bmp,a,train\nall/1.bmp,b,train\nall/../all/1.bmp,b,val\n"),
                 "all/1.bmp is listed twice"));
  CHECK(contains(error("path,label,split\nall/0.bmp,a,test\nall/1.bmp,b,val\n"), "has no training images"));
  ImageSource s = f.source("grouped.csv");
  s.groups = f.csv("groups.csv", "path,group\nall/0.bmp,a\n");
  CHECK(contains(f.error(s, ErrorKind::invalid_argument), "has groups already"));
}

TEST_CASE("image sets: classes of one image cannot be split, which the error says") {
  const ImageTree f;
  f.images("a", 1), f.images("b", 1), f.images("c", 1);
  CHECK(contains(f.error(f.source(), ErrorKind::bad_data),
                 ": has no validation images; its classes have too few images to be split"));
}

TEST_CASE("image sets: folds cover the training and validation images, and leave the test images alone") {
  const ImageTree f;
  f.images("a", 30), f.images("b", 60);
  ImageSource s = f.source();
  const ImageSets plain = open_image_sets(s);
  s.folds = 3;
  std::set<std::string> validated;
  for (s.fold = 0; s.fold < 3; ++s.fold) {
    const ImageSets sets = open_image_sets(s);
    CHECK(counts(sets.training) == Counts{18, 36});
    CHECK(counts(sets.validation) == Counts{9, 18});
    CHECK(paths(sets.test) == paths(plain.test));
    for (const std::string& path : paths(sets.validation)) CHECK(validated.insert(path).second);
  }
  CHECK(validated.size() == 81);
  CHECK(contains(f.error(s, ErrorKind::invalid_argument), "fold 3 is not one of 0 to 2"));
  s.folds = 1, s.fold = 0;
  CHECK(contains(f.error(s, ErrorKind::invalid_argument), "at least 2"));
  s.folds = 0, s.fold = 1;
  CHECK(contains(f.error(s, ErrorKind::invalid_argument), "not the number of folds"));

  const ImageTree given;
  given.images("train/a", 5), given.images("train/b", 5), given.images("val/a", 5), given.images("val/b", 5);
  s = given.source();
  s.folds = 5;
  CHECK(counts(open_image_sets(s).validation) == Counts{2, 2});
  CHECK(!open_image_sets(s).test);
  given.images("train/rare", 1);
  size_t refused = 0;
  for (s.fold = 0; s.fold < 5; ++s.fold) {
    try {
      open_image_sets(s);
    } catch (const Error& error) {
      ++refused;
      CHECK(contains(error.what(),
                     "class rare has validation images, such as train/rare/0.bmp, but no training image; "
                     "it has too few images to be split"));
    }
  }
  CHECK(refused == 1);
}
