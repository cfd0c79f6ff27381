// The augmenters of training: as torchvision does it with fixed parameters (golden/make_augment_training.py), and what
// they draw.
#include <doctest/doctest.h>

#include <set>

#include "data/augment/levels.h"
#include "data/augment/training.h"
#include "tests/data/augment_golden.h"
#include "tests/data/augmented.h"

using namespace counterpoise;

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

Augmenter color_augmenter(const std::string& kind, const std::vector<double>& p) {
  if (kind == "brightness") return ColorJitter{.brightness = p[0]};
  if (kind == "contrast") return ColorJitter{.contrast = p[0]};
  if (kind == "saturation") return ColorJitter{.saturation = p[0]};
  if (kind == "hue") return ColorJitter{.hue = p[0]};
  if (kind == "sharpness") return Sharpness{p[0]};
  REQUIRE(kind == "grayscale");
  return Grayscale{};
}

}  // namespace

TEST_CASE("golden: colors and sharpness change as in torchvision") {
  const Image before = rough();
  Json cases = training_golden()["colors"];
  for (const Json& a : training_golden()["sharpness"]) cases.push_back(a);
  CHECK(cases.size() == 11);
  for (const Json& a : cases) {
    const std::string kind = a["kind"];
    CAPTURE(kind);
    const Image expected = image_of(size_of(training_golden()["size"]), a["rgb"]);
    CHECK(levels_apart(before, expected) > 20);
    CHECK(levels_apart(changed(color_augmenter(kind, a["parameters"]), before), expected) <=
          (kind == "sharpness" ? 0 : 1));
  }
}

TEST_CASE("golden: crops are those of torchvision") {
  Annotated a;
  a.image = rough();
  for (const Json& crop : training_golden()["crops"]) {
    const std::string kind = crop["kind"];
    CAPTURE(kind);
    const std::vector<int> p = crop["parameters"];
    Plan plan(a.size());
    Size to{p[2], p[3]};
    if (kind == "erase") {
      plan.erase(p[1], p[0], p[1] + p[3], p[0] + p[2], {127, 127, 127});
      to = a.size();
    } else if (kind == "crop") {
      plan.move(translation(4 - p[1], 4 - p[0]), to, Border::constant, {9, 9, 9});
    } else {
      plan.move(translation(-p[1], -p[0]), to);
      plan.move(resizing(to, {p[4], p[5]}), {p[4], p[5]});
      to = {p[4], p[5]};
    }
    const Image expected = image_of(to, crop["rgb"]), found = plan(a).image;
    // (At the edges torchvision sees only what it has cropped, and we see what lies beside it.)
    const bool resized = kind == "resized_crop";
    CHECK(levels_apart(found, expected, resized ? 1 : 0) <= (resized ? 1 : 0));
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
  // 765 pixels below the highest level, 3 for each step: 0, 2 / 3 rounded, and 765 / 3.
  Image counted = black(1, 770);
  for (size_t j = 0; j < 770; ++j) std::fill_n(counted.rgb.begin() + long(3 * j), 3, j < 2 ? 20 : j < 765 ? 100 : 200);
  const Image equal = changed(Equalize{}, counted);
  CHECK(equal.rgb[0] == 0);
  CHECK(equal.rgb[6] == 1);
  CHECK(equal.rgb[2309] == 255);
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

TEST_CASE("augment: random erasing fills rectangles of the areas and ratios that its formula says") {
  Annotated a;
  a.image = black(60, 80);
  a.keypoints.push_back({{40, 30}});
  double area = 0, ratio = 0;
  int erased = 0, noisy = 0;
  for (uint64_t i = 0; i < 1500; ++i) {
    Random rng(4, Stream::test, i), again(4, Stream::test, i);
    const Annotated y = Augmenter(RandomErasing{.noise = i % 2 == 1})(a, rng);
    CHECK(y.keypoints[0].at.x == 40);
    int left = 80, right = 0, top = 60, bottom = 0, count = 0;
    for (int row = 0; row < 60; ++row) {
      for (int j = 0; j < 80; ++j) {
        const uint8_t* pixel = y.image.rgb.data() + (row * 80 + j) * 3;
        if (pixel[0] == 0 && pixel[1] == 0 && pixel[2] == 0) continue;
        ++count;
        noisy += pixel[0] != 127;
        left = std::min(left, j), right = std::max(right, j + 1), top = std::min(top, row),
        bottom = std::max(bottom, row + 1);
      }
    }
    if (count == 0) continue;
    ++erased;
    const double w = right - left, h = bottom - top;
    CHECK(count == w * h);
    area += w * h / 4800, ratio += std::log(h / w);
    CHECK(Augmenter(RandomErasing{.noise = i % 2 == 1})(a, again).image.rgb == y.image.rgb);
  }
  CHECK(erased == doctest::Approx(750).epsilon(0.1));
  CHECK(area / erased == doctest::Approx(0.17).epsilon(0.05));
  CHECK(std::fabs(ratio / erased) < 0.1);
  CHECK(noisy > 10000);
  // One that never fits leaves the image alone, as does p = 0.
  const Image before = noise(9, 9, 5);
  CHECK(changed(RandomErasing{.p = 1, .scale = {1, 1}}, before).rgb == before.rgb);
  CHECK(changed(RandomErasing{.p = 0}, before).rgb == before.rgb);
  // The ratio is height / width: a tall one.
  int rows = 0, columns = 0;
  const Image tall = changed(RandomErasing{.p = 1, .scale = {0.1, 0.1}, .ratio = {4, 4}}, black(40, 40));
  for (int i = 0; i < 40; ++i) {
    const auto any = [&](int step, int from) {
      for (int j = 0; j < 40; ++j) {
        if (tall.rgb[size_t(from + step * j)] != 0) return 1;
      }
      return 0;
    };
    rows += any(3, i * 120), columns += any(120, i * 3);
  }
  CHECK(rows == 25);    // sqrt(160 * 4)
  CHECK(columns == 6);  // sqrt(160 / 4)
}

TEST_CASE("augment: a color jitter takes its changes in any order, leaves targets, and by default changes nothing") {
  Annotated a;
  a.image = noise(12, 10, 6);
  a.boxes.push_back({1, 2, 3, 4});
  Random rng(5, Stream::test);
  CHECK(Augmenter(ColorJitter{})(a, rng).image.rgb == a.image.rgb);
  CHECK(Augmenter(Grayscale{0})(a, rng).image.rgb == a.image.rgb);
  // Of bright images, brightness before contrast is another result than after it.
  std::set<std::vector<uint8_t>> results;
  for (uint64_t i = 0; i < 60; ++i) {
    const ColorJitter jitter{.brightness = 1.7, .contrast = 0.4, .saturation = 1.6, .hue = 0.1};
    Random first(6, Stream::augment, i, 1), second(6, Stream::augment, i, 1);
    const Annotated y = Augmenter(jitter)(a, first);
    CHECK(y.image.rgb == Augmenter(jitter)(a, second).image.rgb);
    CHECK(y.boxes[0].right == 3);
    results.insert(y.image.rgb);
  }
  CHECK(results.size() > 12);
  CHECK(results.size() <= 24);
  const Image gray = changed(Grayscale{}, a.image);
  for (size_t i = 0; i < gray.rgb.size(); i += 3) CHECK(gray.rgb[i] == gray.rgb[i + 2]);
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
  CHECK(contains(refused(ColorJitter{.hue = {-0.6, 0}}),
                 "the turn of the hue is drawn between numbers from -0.5 to 0.5"));
  CHECK(contains(refused(ColorJitter{.brightness = -1}), "numbers from 0 to 1000"));
  CHECK(contains(refused(ColorJitter{.contrast = {2, 1}}), "the factor of contrast"));
  CHECK(contains(refused(ColorJitter{.saturation = -1}), "the factor of saturation"));
  CHECK(contains(refused(Grayscale{2}), "from 0 to 1, not 2"));
  CHECK(contains(refused(RandomErasing{.p = -1}), "from 0 to 1, not -1"));
  CHECK(contains(refused(RandomErasing{.ratio = {0, 1}}), "numbers from 0.001 to 1000"));
  Image image = noise(4, 4, 1);
  CHECK(error_of([&] { posterize(image, 9); }, ErrorKind::invalid_argument) ==
        "the bits of posterizing must be from 0 to 8, not 9");
  CHECK(contains(error_of([&] { adjust_sharpness(image, std::nan("")); }, ErrorKind::invalid_argument), "not nan"));
}
