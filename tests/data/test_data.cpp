// Folders of images, choosing among them, and the loader.
#include <cmath>
#include <filesystem>

#include "core/io/file.h"
#include "core/random.h"
#include "data/images/image_folder.h"
#include "data/loader.h"
#include "tests/support.h"

using namespace counterpoise;
namespace fs = std::filesystem;

namespace {

struct Folder {
  // A 2 x 1 BMP image of one color.
  void image(const std::string& name, uint8_t red) const {
    fs::create_directories(fs::path(path / name).parent_path());
    std::string bmp = "BM";
    const auto number = [&bmp](uint32_t value, int bytes) {
      for (int i = 0; i < bytes; ++i) bmp += static_cast<char>(value >> (8 * i));
    };
    number(54 + 8, 4), number(0, 4), number(54, 4);                          // file header
    number(40, 4), number(2, 4), number(1, 4), number(1, 2), number(24, 2);  // size, width, height, planes, bits
    for (int i = 0; i < 6; ++i) number(0, 4);
    for (int i = 0; i < 2; ++i) bmp += '\0', bmp += '\0', bmp += static_cast<char>(red);  // blue, green, red
    bmp += std::string(2, '\0');                                                          // rows are padded to 4
    write_file((path / name).string(), bmp);
  }
  void text_file(const std::string& name) const {
    fs::create_directories(fs::path(path / name).parent_path());
    write_file((path / name).string(), "this is no image");
  }
  const TemporaryFolder temporary;
  const fs::path path = temporary.path();
};

}  // namespace

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
  const Folder folder;
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
  const Folder folder;
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

TEST_CASE("choosing: seeded or natural, nested in the count, and never more than there is") {
  const SyntheticImages set({10, 20}, 16, 1);
  const auto natural = choose(set, {2, 3}, true, 0);
  CHECK(natural == std::vector<size_t>{0, 1, 10, 11, 12});
  CHECK(interleave(set, natural) == std::vector<size_t>{0, 10, 1, 11, 12});
  const auto few = choose(set, {2, 3}, false, 7), more = choose(set, {4, -1}, false, 7);
  CHECK(few == choose(set, {2, 3}, false, 7));
  CHECK(few != choose(set, {2, 3}, false, 8));
  CHECK(more.size() == 24);
  CHECK(std::equal(few.begin(), few.begin() + 2, more.begin()));  // the first two cats are the same
  CHECK(contains(error_of([&] { choose(set, {11, 1}, false, 1); }, ErrorKind::bad_data), "only 10"));
}

TEST_CASE("drawn sets: paths, labels, and other images for another seed") {
  const SyntheticImages a({2, 3}, 16, 1), b({2, 3}, 16, 2);
  CHECK(a.samples()[1].path == "synthetic/cat.1");
  CHECK(a.samples()[2].path == "synthetic/dog.0");
  CHECK(a.counts() == std::vector<int64_t>{2, 3});
  CHECK(*a.load(2) != *b.load(2));
  CHECK(*a.load(2) == *SyntheticImages({5, 9}, 16, 1).load(5));  // dog 0, however many cats there are
}

TEST_CASE("what the loader yields does not depend on its workers") {
  const SyntheticImages set({20, 30}, 16, 3);
  const std::vector<size_t> order = interleave(set, choose(set, {-1, -1}, false, 1));
  std::vector<std::vector<float>> pixels[4];
  for (const int workers : {0, 1, 2, 3}) {
    LoaderOptions options;
    options.batch_size = 8;
    options.workers = workers;
    options.augment = parse_augment("flip,rotate=0.2");
    options.seed = 5;
    options.epoch = 2;
    Loader loader(set, order, options);
    CHECK(loader.batches() == 7);
    size_t seen = 0;
    for (Batch batch; loader.next(batch);) {
      CHECK(batch.pixels.size() == batch.labels.size() * 16 * 16 * 3);
      for (size_t i : batch.samples) CHECK(i == order[seen++]);
      for (float p : batch.pixels) REQUIRE((p >= -1.0001f && p <= 1.0001f));
      pixels[workers].push_back(batch.pixels);
    }
    CHECK(seen == 50);
    CHECK(pixels[workers] == pixels[0]);
  }
}

TEST_CASE("augmentation differs between epochs, and pixels are x / 127.5 - 1") {
  const SyntheticImages set({1, 1}, 16, 3);
  LoaderOptions options;
  Batch plain, one, two;
  options.workers = 0;
  REQUIRE(Loader(set, {0}, options).next(plain));
  for (size_t i = 0; i < plain.pixels.size(); ++i) {
    REQUIRE(plain.pixels[i] == doctest::Approx((*set.load(0))[i] / 127.5 - 1));
  }
  options.augment = parse_augment("rotate=0.2");
  options.epoch = 1;
  REQUIRE(Loader(set, {0}, options).next(one));
  options.epoch = 2;
  REQUIRE(Loader(set, {0}, options).next(two));
  CHECK(one.pixels != two.pixels);
}

TEST_CASE("a image that cannot be read is left out, counted and explained") {
  const Folder folder;
  folder.image("cat/1.bmp", 1);
  folder.text_file("cat/2.jpg");
  folder.image("dog/1.bmp", 2);
  const ImageFolder set(folder.path.string(), 4);
  for (const int workers : {0, 2}) {
    LoaderOptions options;
    options.batch_size = 2;
    options.workers = workers;
    Loader loader(set, {0, 1, 2}, options);
    Batch batch;
    REQUIRE(loader.next(batch));
    CHECK(batch.samples == std::vector<size_t>{0});
    REQUIRE(loader.next(batch));
    CHECK(batch.labels == std::vector<int32_t>{1});
    CHECK(!loader.next(batch));
  }
  REQUIRE(set.unreadable().size() == 1);
  CHECK(contains(set.unreadable().begin()->second, "2.jpg"));
}

TEST_CASE("a loader that is left early stops its workers") {
  const SyntheticImages set({200, 200}, 16, 3);
  LoaderOptions options;
  options.workers = 3;
  options.batch_size = 4;
  Loader loader(set, choose(set, {-1, -1}, true, 0), options);
  Batch batch;
  CHECK(loader.next(batch));
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
