// The augmenters of training: as torchvision does it with fixed parameters (golden/make_augment_training.py), and what
// they draw.
#include <doctest/doctest.h>

#include <set>

#include "data/augment/levels.h"
#include "data/augment/training.h"
#include "tests/data/augment_golden.h"
#include "tests/data/augmented.h"

namespace counterpoise {

namespace {

using namespace augment;
using Json = nlohmann::json;

Image rough() { return image_of(size_of(training_golden()["size"]), training_golden()["rough"]); }

Image changed(const Augmenter& augmenter, const Image& image, uint64_t seed = 1) {
  Random rng(seed, Stream::test);
  Annotated a;
  a.image = image;
  return augmenter(a, rng).image;
}

Augmenter level_augmenter(const std::string& kind, const std::vector<double>& p) {
  if (kind == "invert") return Invert{};
  if (kind == "solarize") return Solarize{p[0]};
  if (kind == "posterize") return Posterize{p[0]};
  if (kind == "auto_contrast") return AutoContrast{};
  if (kind == "equalize") return Equalize{};
  REQUIRE(kind == "sharpness");
  return Sharpness{p[0]};
}

}  // namespace

TEST_CASE("golden: levels change as in torchvision") {
  const Image before = rough();
  for (const Json& a : training_golden()["levels"]) {
    const std::string kind = a["kind"];
    CAPTURE(kind);
    const Image expected = image_of(size_of(training_golden()["size"]), a["rgb"]);
    CHECK(levels_apart(before, expected) > 20);
    CHECK(levels_apart(changed(level_augmenter(kind, a["parameters"]), before), expected) <=
          (kind == "auto_contrast" || kind == "sharpness" ? 1 : 0));
  }
}

TEST_CASE("augment: levels that change nothing, images of one level, and small images") {
  const Image before = noise(9, 13, 1);
  for (const Augmenter& augmenter : {Augmenter(Solarize{256}), Augmenter(Posterize{8}), Augmenter(Sharpness{1}),
                                     Augmenter(Sequential{{Invert{}, Invert{}}})}) {
    CHECK(changed(augmenter, before).rgb == before.rgb);
  }
  Image gray = black(20, 20);
  std::fill(gray.rgb.begin(), gray.rgb.end(), uint8_t(77));
  for (const Augmenter& augmenter :
       {Augmenter(AutoContrast{}), Augmenter(Equalize{}), Augmenter(Sharpness{1.9}), Augmenter(Sharpness{0})}) {
    CHECK(changed(augmenter, gray).rgb == gray.rgb);
  }
  // Sharpness leaves the outermost pixels, so that of small images nothing changes.
  for (const auto& [height, width] : {std::pair{1, 1}, {1, 5}, {2, 7}, {7, 2}, {3, 1}}) {
    const Image small = noise(height, width, 2);
    CHECK(changed(Sharpness{0}, small).rgb == small.rgb);
    CHECK(changed(AutoContrast{}, small).height == height);
    CHECK(changed(Equalize{}, small).width == width);
  }
  const Image smooth = changed(Sharpness{0}, before);
  CHECK(levels_apart(smooth, before) > 20);
  for (size_t j = 0; j < 13 * 3; ++j) CHECK(smooth.rgb[j] == before.rgb[j]);
}

TEST_CASE("augment: a random resized crop has the areas and ratios that its formula says") {
  const Size image{600, 800};
  const Augmenter crop = RandomResizedCrop{32, 48};
  double area = 0, squared = 0, ratio = 0, most_right = 0;
  const int draws = 4000;
  int large = 0;
  for (int i = 0; i < draws; ++i) {
    Random rng(1, Stream::test, uint64_t(i));
    const Plan plan = crop.plan(image, rng);
    REQUIRE(plan.size() == Size{32, 48});
    CHECK(plan.resamplings() == 1);
    const Box part = *moved(inverse(plan.transform()), Box{0, 0, 48, 32});
    CHECK(part.left > -1e-6);
    CHECK(part.bottom < 600 + 1e-6);
    const double w = part.right - part.left, h = part.bottom - part.top, share = w * h / (600 * 800);
    CHECK(std::fabs(w - std::round(w)) < 1e-6);
    most_right = std::max(most_right, part.right);
    large += share > 0.5;
    if (share < 0.5) area += share, squared += share * share, ratio += std::log(w / h);
  }
  // Below half of the image every part fits, and a draw is uniform in [0.08, 0.5].
  const double small = draws - large, mean = area / small;
  CHECK(mean == doctest::Approx(0.29).epsilon(0.02));
  CHECK(squared / small - mean * mean == doctest::Approx(0.42 * 0.42 / 12).epsilon(0.06));
  CHECK(std::fabs(ratio / small) < 0.015);  // symmetric in the logarithm
  CHECK(large > draws / 3);
  CHECK(most_right > 799.5);
  // Ten parts that do not fit: the middle of the image, as much of it as has the ratio.
  Random rng(1, Stream::test);
  const Plan wide = Augmenter(RandomResizedCrop{10, 10, {1, 1}}).plan({100, 400}, rng);
  const Box part = *moved(inverse(wide.transform()), Box{0, 0, 10, 10});
  CHECK(part.left == doctest::Approx(133));
  CHECK(part.right == doctest::Approx(266));
  CHECK(part.bottom == doctest::Approx(100));
  const Plan whole = Augmenter(RandomResizedCrop{0, 0, {1, 1}, {1, 1.5}}).plan({100, 120}, rng);
  CHECK(whole.size() == Size{100, 120});
  CHECK(whole.transform() == Transform{});
}

TEST_CASE("augment: a random crop takes all places, pads where needed, and moves targets") {
  Annotated a;
  a.image = noise(8, 6, 3);
  a.keypoints.push_back({{3, 4}});
  std::set<std::pair<double, double>> places;
  for (uint64_t i = 0; i < 2000; ++i) {
    Random rng(2, Stream::test, i);
    const Annotated y = Augmenter(RandomCrop{.padding = 2})(a, rng);
    REQUIRE(y.size() == a.size());
    places.insert({y.keypoints[0].at.x, y.keypoints[0].at.y});
    const int right = int(y.keypoints[0].at.x - 3), down = int(y.keypoints[0].at.y - 4);
    for (int row = 0; row < 8; ++row) {
      for (int j = 0; j < 6; ++j) {
        const int from_row = row - down, from_column = j - right;
        const bool inside = 0 <= from_row && from_row < 8 && 0 <= from_column && from_column < 6;
        const int expected = inside ? a.image.rgb[size_t(from_row * 6 + from_column) * 3] : 0;
        REQUIRE(int(y.image.rgb[size_t(row * 6 + j) * 3]) == expected);
      }
    }
  }
  CHECK(places.size() == 25);
  Random rng(3, Stream::test);
  const Annotated larger = Augmenter(RandomCrop{.height = 12, .width = 4, .fill = {9, 9, 9}})(a, rng);
  CHECK(larger.size() == Size{12, 4});
  CHECK(std::count(larger.image.rgb.begin(), larger.image.rgb.end(), 9) >= 4 * 4 * 3);
  // A crop and a resize are one resampling.
  CHECK(Augmenter(Sequential{{RandomCrop{.height = 4, .width = 4}, RandomResizedCrop{9, 9}}})
            .plan(a.size(), rng)
            .resamplings() == 1);
}

TEST_CASE("augment: what the augmenters of training do not accept") {
  const auto refused = [](auto augmenter) {
    return error_of([&] { Augmenter{augmenter}; }, ErrorKind::invalid_argument);
  };
  CHECK(refused(Posterize{{0.2, 0.8}}) ==
        "the number of bits of posterizing is a whole number, and none lies between 0.2 and 0.8");
  CHECK(contains(refused(Posterize{9}), "numbers from 0 to 8"));
  CHECK(contains(refused(Solarize{-1}), "numbers from 0 to 256"));
  CHECK(contains(refused(Sharpness{-1}), "numbers from 0 to 1000"));
  CHECK(refused(RandomCrop{.height = -1}) ==
        "a random crop has 1 to 16384 pixels a side, or 0 for the size of the image, not 0 x -1");
  CHECK(contains(refused(RandomCrop{.padding = -1}), "0 to 16384 pixels, not -1"));
  CHECK(contains(refused(RandomResizedCrop{.scale = {0.5, 1.5}}), "numbers from 0 to 1,"));
  CHECK(contains(refused(RandomResizedCrop{.ratio = {0, 1}}), "numbers from 0.001 to 1000"));
  Image image = noise(4, 4, 1);
  CHECK(error_of([&] { posterize(image, 9); }, ErrorKind::invalid_argument) ==
        "the bits of posterizing must be from 0 to 8, not 9");
  CHECK(contains(error_of([&] { adjust_sharpness(image, std::nan("")); }, ErrorKind::invalid_argument), "not nan"));
}

}  // namespace counterpoise
