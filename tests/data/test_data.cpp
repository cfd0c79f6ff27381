// Folders of images, subsets of them, and random numbers.
#include <cmath>

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
  CHECK(set.labels_of({4, 0}) == std::vector<int32_t>{1, 0});
  CHECK(set.labels_of_all() == std::vector<int32_t>{0, 0, 1, 1, 1});
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
