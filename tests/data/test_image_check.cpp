// What check finds: identical and near-identical images, leaks, contradicting labels, odd sizes; and what it must not.
#include "data/images/image_check.h"

#include <algorithm>

#include "data/images/shapes.h"
#include "data/images/synthetic.h"
#include "tests/data/image_files.h"

using namespace counterpoise;

namespace {

using Images = ImageCheck::Images;
using Sets = std::vector<Images>;

Image animal(uint64_t index, int size = 64) { return {size, size, draw_animal(Animal::cat, size, 1, index)}; }

template <class Change>
Image changed(Image image, const Change& change) {
  for (uint8_t& x : image.rgb) x = static_cast<uint8_t>(std::min(std::max(change(static_cast<double>(x)), 0.), 255.));
  return image;
}

Image cropped(const Image& image, int border) {
  Image y{image.height - 2 * border, image.width - 2 * border, {}};
  for (int row = border; row < image.height - border; ++row) {
    const auto* begin = &image.rgb[(static_cast<size_t>(row) * image.width + border) * 3];
    y.rgb.insert(y.rgb.end(), begin, begin + y.width * 3);
  }
  return y;
}

// A listing of images in memory.
struct Set {
  void add(const Image& image, const std::string& label, DataSplit split, const std::string& group = "") {
    ListedImage listed;
    listed.name = listed.path = std::to_string(listing.images.size());
    listed.label = label, listed.split = split, listed.group = group;
    listing.has_groups = listing.has_groups || !group.empty();
    listing.images.push_back(listed);
    facts.push_back(image_facts(image));
  }
  ImageCheck check(int workers = 2) const { return compare_images(listing, facts, workers); }
  ImageListing listing;
  std::vector<ImageFacts> facts;
};

}  // namespace

TEST_CASE("image check: an image's copies are near-duplicates, mirrored ones, too, and other images are not") {
  std::vector<ImageFacts> all;
  for (uint64_t i = 0; i < 20; ++i) all.push_back(image_facts(animal(i, 120)));
  for (uint64_t i = 0; i < 8; ++i) {
    CAPTURE(i);
    const Image image = animal(i, 120);
    const ImageFacts facts = image_facts(image);
    const auto near = [&](const Image& other) { return near_duplicates(facts, image_facts(other)); };
    CHECK(near(image));
    CHECK(near(resize_bilinear(image, 64, 64)));
    CHECK(near(resize_bilinear(image, 90, 200)));
    CHECK(near(changed(image, [](double x) { return 1.15 * x; })));
    CHECK(near(changed(image, [](double x) { return 64 + 0.5 * x; })));
    CHECK(near(cropped(image, 1)));
    CHECK(!near(cropped(image, 30)));
    for (uint64_t j = 0; j < 20; ++j) CHECK(near_duplicates(facts, all[j]) == (i == j));
    Image mirrored = image;
    for (int y = 0; y < 120; ++y) {
      for (int x = 0; x < 120; ++x)
        std::copy_n(&image.rgb[(y * 120 + 119 - x) * 3], 3, &mirrored.rgb[(y * 120 + x) * 3]);
    }
    CHECK(near(mirrored));
    CHECK(near(cropped(mirrored, 1)));
  }
}

TEST_CASE("image check: no false alarm among two thousand synthetic images" * slow()) {
  Set set;
  for (uint64_t i = 0; i < 500; ++i) {
    for (const Animal kind : {Animal::cat, Animal::dog}) {
      set.add({32, 32, draw_animal(kind, 32, 2, i)}, "animal", DataSplit::training);
    }
    for (size_t kind : {8, 9}) set.add({32, 32, draw_shape(kind, 32, 2, i)}, "shape", DataSplit::validation);
  }
  const ImageCheck check = set.check();
  CHECK(check.identical.empty());
  CHECK(check.similar.empty());
  CHECK(check.similar_conflicts.empty());
  CHECK(check.similar_leaks.empty());
}

TEST_CASE("image check: duplicates, leaks and contradicting labels") {
  Set set;
  set.add(animal(0), "cat", DataSplit::training);                             // 0
  set.add(animal(1), "cat", DataSplit::training);                             // 1
  set.add(animal(0), "cat", DataSplit::validation);                           // 2 = 0: a leak
  set.add(animal(2), "cat", DataSplit::training);                             // 3
  set.add(animal(2), "dog", DataSplit::training);                             // 4 = 3: two labels
  set.add(resize_bilinear(animal(1), 48, 48), "cat", DataSplit::test);        // 5 ~ 1: a leak
  set.add(animal(3), "cat", DataSplit::validation);                           // 6
  set.add(resize_bilinear(animal(3), 90, 90), "dog", DataSplit::validation);  // 7 ~ 6: two labels
  set.add(animal(3), "cat", DataSplit::validation);                           // 8 = 6
  set.add(animal(4), "dog", DataSplit::training);                             // 9
  for (const int workers : {1, 3}) {
    const ImageCheck check = set.check(workers);
    CHECK(check.identical == Sets{{0, 2}, {3, 4}, {6, 8}});
    CHECK(check.similar == Sets{{1, 5}, {6, 7, 8}});
    CHECK(check.leaks == Sets{{0, 2}});
    CHECK(check.similar_leaks == Sets{{1, 5}});
    CHECK(check.conflicts == Sets{{3, 4}});
    CHECK(check.similar_conflicts == Sets{{6, 7, 8}});
    CHECK(check.group_leaks.empty());
    CHECK(check.unreadable.empty());
    CHECK(check.has_errors());
  }
  const std::vector<std::string> groups = duplicate_groups(set.listing, set.check());
  CHECK(groups == std::vector<std::string>{"0", "1", "0", "3", "3", "1", "6", "6", "6", "9"});
}

TEST_CASE("image check: each kind of serious finding alone is an error") {
  const auto errors = [](const Image& image, const std::string& label, DataSplit split, const std::string& group) {
    Set set;
    set.add(animal(0), "a", DataSplit::training, "x");
    set.add(image, label, split, group);
    return set.check().has_errors();
  };
  const Image near = resize_bilinear(animal(0), 48, 48);
  CHECK(errors(animal(0), "a", DataSplit::test, "y"));
  CHECK(errors(animal(0), "b", DataSplit::training, "y"));
  CHECK(errors(near, "a", DataSplit::test, "y"));
  CHECK(errors(near, "b", DataSplit::training, "y"));
  CHECK(errors(animal(1), "a", DataSplit::test, "x"));
  CHECK(!errors(animal(1), "b", DataSplit::test, "y"));
  CHECK(!errors(animal(0), "a", DataSplit::training, "y"));
}

TEST_CASE("image check: groups in two splits, and groups that are joined by duplicates") {
  Set set;
  set.add(animal(0), "a", DataSplit::training, "x");
  set.add(animal(1), "a", DataSplit::validation, "x");
  set.add(animal(2), "a", DataSplit::training, "y");
  set.add(animal(2), "a", DataSplit::training, "z");
  set.add(animal(3), "a", DataSplit::test, "z");
  const ImageCheck check = set.check();
  CHECK(check.group_leaks == Sets{{0, 1}, {3, 4}});
  CHECK(check.leaks.empty());
  CHECK(check.has_errors());
  CHECK(duplicate_groups(set.listing, check) == std::vector<std::string>{"x", "x", "y", "y", "y"});
}

TEST_CASE("image check: images of any shape have facts") {
  CHECK(image_facts({1, 1, {9, 9, 9}}).constant);
  const Image line = resize_bilinear(animal(0), 1, 3000);
  CHECK(near_duplicates(image_facts(line), image_facts(resize_bilinear(line, 2, 2000))));
  // The size and each byte of the pixels matter.
  const std::vector<uint8_t> rgb(36, 1);
  const auto first = image_facts({3, 4, rgb}).pixels;
  CHECK(first != image_facts({4, 3, rgb}).pixels);
  for (size_t i = 0; i < rgb.size(); ++i) {
    std::vector<uint8_t> other = rgb;
    other[i] ^= 128;
    CHECK(first != image_facts({3, 4, other}).pixels);
  }
}

TEST_CASE("image check: sizes and single colors") {
  Set set;
  for (uint64_t i = 0; i < 5; ++i) set.add(animal(i, 80), "a", DataSplit::none);
  set.add(animal(5, 19), "a", DataSplit::none);                              // 5: a quarter of 80 is 20
  set.add(resize_bilinear(animal(6), 40, 121), "a", DataSplit::none);        // 6: more than three to one
  set.add(resize_bilinear(animal(7), 120, 40), "a", DataSplit::none);        // 7: three to one
  set.add({40, 40, std::vector<uint8_t>(4800, 7)}, "a", DataSplit::none);    // 8
  set.add({40, 40, std::vector<uint8_t>(4800, 200)}, "b", DataSplit::none);  // 9: of another color
  for (const uint8_t base : {50, 90}) {                                      // 10 and 11: almost one color, and alike
    Image image{80, 80, {}};
    for (int i = 0; i < 80 * 80 * 3; ++i) image.rgb.push_back(static_cast<uint8_t>(base + i / 3 % 80 / 16));
    set.add(image, "b", DataSplit::none);
  }
  const ImageCheck check = set.check();
  CHECK(check.tiny == Images{5});
  CHECK(check.elongated == Images{6});
  CHECK(check.constant == Images{8, 9, 10, 11});
  CHECK(check.median_width == 80);
  CHECK(check.median_height == 80);
  CHECK(check.similar.empty());
  CHECK(!check.has_errors());
  CHECK(contains(error_of([&] { compare_images(set.listing, {}, 1); }), "0 facts for 12 images"));
}

TEST_CASE("image check: files are read by any number of threads, and unreadable ones are named") {
  const ImageFiles f;
  for (int i = 0; i < 9; ++i) f.image("a/" + std::to_string(i) + ".bmp", static_cast<uint8_t>(20 * i));
  f.text_file("a/bad.jpg");
  f.image("b/0.bmp", 20);
  const ImageListing listing = list_images(f.path.string());
  for (const int workers : {1, 4}) {
    size_t last = 0;
    const std::vector<ImageFacts> facts = read_facts(listing, workers, [&](size_t done) { last = done; });
    CHECK(last == 11);
    const ImageCheck check = compare_images(listing, facts, workers);
    REQUIRE(check.unreadable == Images{9});
    CHECK(contains(facts[9].error, "bad.jpg: "));
    CHECK(check.identical == Sets{{1, 10}});
    CHECK(check.conflicts == Sets{{1, 10}});
    CHECK(check.leaks.empty());
    CHECK(check.has_errors());
    CHECK(facts[3].width == 2);
    CHECK(facts[3].height == 1);
  }
}
