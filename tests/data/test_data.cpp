// Folders of images, subsets of them, and random numbers.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/random.h"
#include "data/images/image_folder.h"
#include "tests/data/image_files.h"
#include "tests/support.h"

using namespace counterpoise;

TEST_CASE("natural order counts digits as numbers") {
  CHECK(natural_less("cat.2.jpg", "cat.10.jpg"));
  CHECK(!natural_less("cat.10.jpg", "cat.2.jpg"));
  CHECK(natural_less("cat.02.jpg", "cat.3.jpg"));
  CHECK(natural_less("a", "b"));
  CHECK(natural_less("a", "a1"));
  CHECK(!natural_less("a1", "a1"));
  CHECK(natural_less("x99999999999999999999998", "x99999999999999999999999"));
}

TEST_CASE("an image folder lists classes and files as Keras does") {
  const ImageFiles folder;
  folder.image("dog/1.BMP", 1);
  folder.image("cat/cat.10.bmp", 10);
  folder.image("cat/cat.2.bmp", 2);
  folder.image("cat/deeper/cat.3.bmp", 3);
  folder.image(".hidden/x.bmp", 9);
  folder.image("cat/.thumbs/x.bmp", 9);
  folder.text_file("cat/notes.txt");
  const ImageFolder set(folder.path.string(), 2);
  CHECK(set.classes() == std::vector<std::string>{"cat", "dog"});
  CHECK(set.counts() == std::vector<int64_t>{3, 1});
  REQUIRE(set.size() == 4);
  CHECK(contains(set.samples()[0].path, "cat.2.bmp"));
  CHECK(contains(set.samples()[1].path, "cat.10.bmp"));
  CHECK(set.samples()[3].label == 1);
  REQUIRE(set.load(0));
  CHECK(set.load(0)->size() == 2 * 2 * 3);
  CHECK((*set.load(0))[0] == 2);
  CHECK(set.load(0) == set.load(0));  // kept
}

TEST_CASE("an image folder says what is wrong with it") {
  const ImageFiles folder;
  CHECK(
      contains(error_of([&] { ImageFolder((folder.path / "nowhere").string(), 8); }, ErrorKind::bad_data), "nowhere"));
  CHECK(contains(error_of([&] { ImageFolder(folder.path.string(), 8); }, ErrorKind::bad_data), "holds no folders"));
  folder.image("cat/1.bmp", 1);
  folder.text_file("dog/readme.txt");
  const std::string empty = error_of([&] { ImageFolder(folder.path.string(), 8); }, ErrorKind::bad_data);
  CHECK(contains(empty, "dog"));
  CHECK(contains(empty, ".jpg .jpeg .png .bmp"));
  CHECK(contains(empty, ".txt"));
  CHECK(contains(error_of(
                     [&] {
                       split_directory(folder.path.string(), {"validation", "val"});
                     },
                     ErrorKind::bad_data),
                 "validation"));
}

TEST_CASE("an image folder: names of classes are UTF-8") {
  for (const char* name : {"katze", "caf\xC3\xA9", "\xE7\x8C\xAB", "\xF0\x9F\x90\xB1"}) {
    CAPTURE(name);
    const ImageFiles folder;
    folder.image(std::string(name) + "/1.bmp", 1);
    CHECK(ImageFolder(folder.path.string(), 8).classes() == std::vector<std::string>{name});
  }
  for (const char* name : {"caf\xE9", "\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE7\x8C.", "\xFF"}) {
    CAPTURE(name);
    const ImageFiles folder;
    folder.image(std::string(name) + "/1.bmp", 1);
    const std::string message = error_of([&] { ImageFolder(folder.path.string(), 8); }, ErrorKind::bad_data);
    CHECK(contains(message, "is not UTF-8; rename it"));
    CHECK(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
}

TEST_CASE("an image folder follows symbolic links, once to each folder") {
  const ImageFiles folder;
  folder.image("set/cat/1.bmp", 1);
  folder.image("elsewhere/2.bmp", 2);
  folder.image("elsewhere/deeper/3.bmp", 3);
  const auto link = [&](const char* to, const char* name) {
    std::filesystem::create_symlink(folder.path / to, folder.path / name);
  };
  link("elsewhere", "set/cat/a");
  link("elsewhere/deeper", "set/cat/b");  // has been read as a/deeper
  link("set/cat", "elsewhere/back");
  link("nowhere", "set/cat/gone.bmp");
  const ImageFolder set((folder.path / "set").string(), 2);
  CHECK(set.size() == 4);
  CHECK(set.load(1) != nullptr);
  size_t bad = 0;
  for (size_t i = 0; i < set.size(); ++i) bad += set.load(i) == nullptr;
  CHECK(bad == 1);
  REQUIRE(set.unreadable().size() == 1);
  CHECK(contains(set.unreadable().begin()->second, "gone.bmp"));
}

TEST_CASE("an image folder: what may not be read is an error that says so") {
  const ImageFiles folder;
  folder.image("train/cat/1.bmp", 1);
  folder.image("train/cat/deeper/2.bmp", 2);
  const bool root = geteuid() == 0;  // who may read everything
  const auto message = [&](const char* locked, const std::function<void()>& read) {
    namespace fs = std::filesystem;
    fs::permissions(folder.path, fs::perms(0755));
    fs::permissions(folder.path / locked, fs::perms(0));
    if (root) REQUIRE(seteuid(65534) == 0);
    std::string y;
    try {
      read();
    } catch (const Error& error) {
      y = error.what();
    }
    if (root) REQUIRE(seteuid(0) == 0);
    fs::permissions(folder.path / locked, fs::perms(0755));
    return y;
  };
  const std::string train = (folder.path / "train").string();
  const auto list = [&] { ImageFolder(train, 8); };
  CHECK(contains(message("train/cat/deeper", list), "train/cat/deeper: cannot be read: Permission denied; change"));
  CHECK(contains(message("train/cat", list), "train/cat: cannot be read: Permission denied"));
  CHECK(contains(message("train", list), "train: cannot be read: Permission denied"));
  CHECK(
      contains(message(".", [&] { split_directory(folder.path.string(), {"train"}); }), "cannot be read: Permission"));
  CHECK(contains(message(".", [&] { split_directory(train, {"cat"}); }), "train: cannot be read: Permission denied"));
  CHECK(message("train/cat/deeper", [] {}) == "");
}

TEST_CASE("subset: seeded or natural, nested in the count, and never more than there is") {
  const SyntheticImages set({10, 20}, 16, 1);
  const auto natural = subset(set, {2, 3}, true, 0);
  CHECK(natural == std::vector<size_t>{0, 1, 10, 11, 12});
  CHECK(interleave(set, natural) == std::vector<size_t>{0, 10, 1, 11, 12});
  const auto few = subset(set, {2, 3}, false, 7), more = subset(set, {4, -1}, false, 7);
  CHECK(few == subset(set, {2, 3}, false, 7));
  CHECK(few != subset(set, {2, 3}, false, 8));
  CHECK(more.size() == 24);
  CHECK(std::equal(few.begin(), few.begin() + 2, more.begin()));  // the first two cats are the same
  CHECK(contains(error_of([&] { subset(set, {11, 1}, false, 1); }, ErrorKind::bad_data), "only 10"));
}

TEST_CASE("synthetic sets: paths, labels, and other images for another seed") {
  const SyntheticImages a({2, 3}, 16, 1), b({2, 3}, 16, 2);
  CHECK(a.samples()[1].path == "synthetic/cat.1");
  CHECK(a.samples()[2].path == "synthetic/dog.0");
  CHECK(a.counts() == std::vector<int64_t>{2, 3});
  CHECK(*a.load(2) != *b.load(2));
  CHECK(*a.load(2) == *SyntheticImages({5, 9}, 16, 1).load(5));  // dog 0, however many cats there are
}

TEST_CASE("a dataset counts its samples by class, all of them or some") {
  const SyntheticImages set({2, 3}, 16, 1);
  CHECK(set.size() == 5);
  CHECK(set.counts() == std::vector<int64_t>{2, 3});
  CHECK(set.counts({0, 4}) == std::vector<int64_t>{1, 1});
  CHECK(set.counts({4, 4}) == std::vector<int64_t>{0, 2});
  CHECK(set.counts({0, 0}) == std::vector<int64_t>{2, 0});
  CHECK(set.labels_of({4, 0}) == std::vector<int32_t>{1, 0});
  CHECK(set.labels_of(set.all_samples()) == std::vector<int32_t>{0, 0, 1, 1, 1});
  CHECK(contains(error_of([&] { subset(set, {1}, true, 0); }), "1 numbers for 2 classes"));
}

TEST_CASE("Philox gives the published numbers") {
  // Known answers of the authors' Random123 library for philox4x32-10.
  const Philox::Words zero = Philox::words(0, 0, 0);
  CHECK(zero.v[0] == 0x6627e8d5u);
  CHECK(zero.v[1] == 0xe169c58du);
  CHECK(zero.v[2] == 0xbc57ac4cu);
  CHECK(zero.v[3] == 0x9b00dbd8u);
  const Philox::Words ones = Philox::words(~uint64_t(0), ~uint64_t(0), ~uint64_t(0));
  CHECK(ones.v[0] == 0x408f276du);
  CHECK(ones.v[1] == 0x41c83b0eu);
  CHECK(ones.v[2] == 0xa20bc7c6u);
  CHECK(ones.v[3] == 0x6d5451fdu);
}

TEST_CASE("random numbers are uniform, normal and evenly shuffled") {
  Random rng(1, Stream::test);
  double sum = 0, squares = 0, normal_sum = 0, normal_squares = 0;
  constexpr int n = 20000;
  int counts[6] = {};
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform(), z = rng.normal();
    CHECK_FALSE((u < 0 || u >= 1));
    sum += u, squares += u * u, normal_sum += z, normal_squares += z * z;
    std::vector<int> order = {0, 1, 2};
    rng.shuffle(order);
    ++counts[order[0] * 2 + (order[1] > order[2])];
  }
  CHECK(sum / n == doctest::Approx(0.5).epsilon(0.02));
  CHECK(squares / n == doctest::Approx(1.0 / 3).epsilon(0.02));
  CHECK(std::abs(normal_sum / n) < 0.03);
  CHECK(normal_squares / n == doctest::Approx(1).epsilon(0.04));
  for (int count : counts) CHECK(std::abs(count - n / 6) < 4 * std::sqrt(n / 6.0));
  CHECK(Random(1, Stream::test).bits() == Random(1, Stream::test).bits());
  CHECK(Random(1, Stream::test).bits() != Random(2, Stream::test).bits());
  CHECK(Random(1, Stream::test, 1, 2).bits() != Random(1, Stream::test, 2, 1).bits());
}
