// How augmenters are put together: what is drawn, and how often an image is resampled.
#include <doctest/doctest.h>

#include <limits>
#include <set>

#include "tests/data/augmented.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using namespace augment;

// Notes in the first pixel that it was there: times 10, plus its number.
struct Note {
  int number;
  void check() const {}
  void draw(Random&, Plan& plan) const {
    plan.change_image([n = number](Image& image) { image.rgb[0] = uint8_t(image.rgb[0] * 10 + n); });
  }
};

int notes(const Augmenter& augmenter, uint64_t sample) {
  Annotated a;
  a.image = black(1, 1);
  Random rng(7, Stream::augment, 1, sample);
  return augmenter(a, rng).image.rgb[0];
}

Annotated cat(int height = 48, int width = 64) {
  Annotated a;
  a.image = noise(height, width, 1);
  a.keypoints.push_back({{20.5, 12.5}});
  return a;
}

}  // namespace

TEST_CASE("augment: changes of place in a row resample once, and pixels between them divide the row") {
  Random rng(1, Stream::test);
  Affine affine;
  affine.rotate = 10;
  Crop crop;
  crop.pixels = 3;
  const Augmenter places = Sequential{{HorizontalFlip{}, crop, PerspectiveTransform{}, affine, ResizeTo{30, 30}}};
  CHECK(places.plan({48, 64}, rng).resamplings() == 1);
  CHECK(Augmenter(Sequential{{places, GaussianBlur{1}, affine}}).plan({48, 64}, rng).resamplings() == 2);
  // Two rotations there and back leave the middle as it was, since they are composed.
  Affine back;
  back.rotate = -10;
  const Annotated a = cat(), y = Augmenter(Sequential{{affine, back}})(a, rng);
  int different = 0;
  for (int i = 16; i < 32; ++i) {
    for (int j = 16; j < 48; ++j)
      different += y.image.rgb[size_t(i * 64 + j) * 3] != a.image.rgb[size_t(i * 64 + j) * 3];
  }
  CHECK(different == 0);
  // But what had been moved out has been cut off.
  CHECK(y.image.rgb[0] == 0);
  CHECK(y.image.rgb[size_t(47 * 64 + 63) * 3] == 0);
}

TEST_CASE("augment: what was moved out of an image does not come back beside it") {
  Annotated a = cat(20, 20);
  std::fill(a.image.rgb.begin(), a.image.rgb.end(), uint8_t{200});
  Affine left;
  left.translate_x = -0.5;
  // Letterboxed into 20 x 40, the result has bars of 10 pixels; that on the left would show the left half again.
  const Augmenter boxed = Sequential{{left, ResizeTo{20, 40, ResizeTo::Fit::letterbox}}};
  Random rng(1, Stream::test);
  const Plan plan = boxed.plan(a.size(), rng);
  CHECK(plan.resamplings() == 1);
  const Annotated y = plan(a);
  for (int j = 0; j < 40; ++j) {
    CAPTURE(j);
    CHECK(int(y.image.rgb[size_t(10 * 40 + j) * 3]) == (j >= 10 && j < 20 ? 200 : 0));
  }
  // The same as two resamplings, and with another color of the bars, which takes two.
  const Annotated two = Augmenter(ResizeTo{20, 40, ResizeTo::Fit::letterbox})(Augmenter(left)(a, rng), rng);
  CHECK(two.image.rgb == y.image.rgb);
  const Augmenter red = Sequential{{left, ResizeTo{20, 40, ResizeTo::Fit::letterbox, {255, 0, 0}}}};
  CHECK(red.plan(a.size(), rng).resamplings() == 2);
  CHECK(red(a, rng).image.rgb[0] == 255);
  CHECK(red(a, rng).image.rgb[size_t(10 * 40 + 25) * 3] == 0);
}

TEST_CASE("augment: a border that mirrors is that of the image before it") {
  Annotated a = cat(8, 8);
  Crop crop;
  crop.pixels = 2, crop.keep_size = false;
  CropAndPad pad;
  pad.pixels = 2, pad.keep_size = false, pad.border = Border::replicate;
  Random rng(1, Stream::test);
  const Plan plan = Augmenter(Sequential{{crop, pad}}).plan(a.size(), rng);
  CHECK(plan.size() == Size{8, 8});
  const Annotated y = plan(a);
  CHECK(y.image.rgb[0] == a.image.rgb[size_t(2 * 8 + 2) * 3]);
  CHECK(y.image.rgb[size_t(3 * 8 + 4) * 3] == a.image.rgb[size_t(3 * 8 + 4) * 3]);
  CHECK(y.keypoints[0].at.x == 20.5);
}

TEST_CASE("augment: draws repeat with the seed, epoch and sample, and differ with any of them") {
  const Annotated a = cat();
  const auto run = [&](uint64_t seed, uint64_t epoch, uint64_t sample) {
    Random rng(seed, Stream::augment, epoch, sample);
    return Augmenter(Affine{{0.5, 1.5}})(a, rng).image.rgb;
  };
  CHECK(run(1, 2, 3) == run(1, 2, 3));
  CHECK(run(1, 2, 3) != run(2, 2, 3));
  CHECK(run(1, 2, 3) != run(1, 3, 3));
  CHECK(run(1, 2, 3) != run(1, 2, 4));
  // A plan changes every image alike, noise included.
  Random rng(1, Stream::augment);
  const Plan plan = Augmenter(Sequential{{places(), AdditiveGaussianNoise{20}}}).plan(a.size(), rng);
  CHECK(plan(a).image.rgb == plan(a).image.rgb);
}

TEST_CASE("augment: Sequential, SomeOf, OneOf, Sometimes") {
  const std::vector<Augmenter> three = {Note{1}, Note{2}, Note{3}};
  CHECK(notes(Sequential{three}, 0) == 123);
  std::set<int> orders, some, two, one;
  int first = 0, ones = 0;
  for (uint64_t sample = 0; sample < 400; ++sample) {
    orders.insert(notes(Sequential{{Note{1}, Note{2}}, true}, sample));
    some.insert(notes(SomeOf{{0, 2}, {Note{1}, Note{2}}}, sample));
    two.insert(notes(SomeOf{2, three}, sample));
    one.insert(notes(OneOf{three}, sample));
    first += notes(OneOf{three}, sample) == 1;
    ones += notes(Sometimes{0.25, Note{1}, Note{2}}, sample) == 1;
  }
  CHECK(orders == std::set<int>{12, 21});
  CHECK(some == std::set<int>{0, 1, 2, 12});
  CHECK(two == std::set<int>{12, 13, 23});
  CHECK(one == std::set<int>{1, 2, 3});
  CHECK(std::abs(first - 133) < 38);  // four standard deviations
  CHECK(std::abs(ones - 100) < 35);
  CHECK(notes(SomeOf{9, three}, 0) == 123);
  CHECK(notes(Sometimes{0, Note{1}}, 0) == 0);
  CHECK(notes(Augmenter(), 0) == 0);
}

TEST_CASE("augment: crops and sizes") {
  Random rng(1, Stream::test);
  Crop crop;
  crop.pixels = {1, 16}, crop.keep_size = false;
  std::set<int> widths;
  for (int i = 0; i < 300; ++i) widths.insert(crop.pixels.draw_whole(rng));
  CHECK(widths.size() == 16);
  CHECK(*widths.begin() == 1);
  CHECK(*widths.rbegin() == 16);
  const auto size_of = [&](const Augmenter& augmenter) { return augmenter.plan({48, 64}, rng).size(); };
  for (int i = 0; i < 20; ++i) {
    const Size size = size_of(crop);
    CHECK((48 - 32 <= size.height && size.height <= 46 && 64 - 32 <= size.width && size.width <= 62));
  }
  crop.percent = 0.25, crop.pixels = 0;
  CHECK(size_of(crop) == Size{24, 32});
  crop.percent = 1;  // a pixel is left
  CHECK(size_of(crop) == Size{1, 1});
  crop.percent = 0, crop.pixels = 4, crop.independently = false;
  CHECK(size_of(crop) == Size{40, 56});
  crop.keep_size = true;
  CHECK(size_of(crop) == Size{48, 64});
  CropAndPad pad;
  pad.percent = 0.5, pad.keep_size = false;
  CHECK(size_of(pad) == Size{96, 128});
  CHECK(size_of(ResizeTo{10, 20}) == Size{10, 20});
  Affine turn;
  turn.rotate = 90, turn.fit_output = true;
  CHECK(size_of(turn) == Size{64, 48});
  // The letterbox keeps the aspect ratio: a square stays one, in the middle.
  Annotated a = cat();
  a.boxes.push_back({10, 10, 20, 20});
  const Annotated y = Augmenter(ResizeTo{32, 32, ResizeTo::Fit::letterbox})(a, rng);
  CHECK(y.boxes[0].right - y.boxes[0].left == doctest::Approx(5));
  CHECK(y.boxes[0].bottom - y.boxes[0].top == doctest::Approx(5));
  CHECK(y.boxes[0].top == doctest::Approx(9));
  PerspectiveTransform view;
  view.keep_size = false;
  const Size seen = size_of(view);
  CHECK((seen.height <= 48 && seen.height > 24 && seen.width <= 64 && seen.width > 32));
}

TEST_CASE("augment: parameters that are not accepted are errors of one line") {
  const auto message = [](auto augmenter) {
    return error_of([&] { Augmenter{augmenter}; }, ErrorKind::invalid_argument);
  };
  CHECK(message(HorizontalFlip{1.5}) == "the probability of a horizontal flip must be from 0 to 1, not 1.5");
  CHECK(message(GaussianBlur{{3, 0}}) ==
        "the standard deviation of a blur is drawn between numbers from 0 to 1000, the first at most the second, not "
        "between 3 and 0");
  Affine affine;
  affine.shear_x = 90;
  CHECK(contains(message(affine), "the angle of a shear"));
  affine.shear_x = std::numeric_limits<double>::quiet_NaN();
  CHECK(contains(message(affine), "between nan and nan"));
  CHECK(contains(message(ResizeTo{0, 5}), "not to 5 x 0"));
  CHECK(contains(message(OneOf{}), "no augmenters"));
  CHECK(contains(message(SomeOf{{0.2, 0.8}, {HorizontalFlip{}}}), "whole number"));
  CHECK(contains(message(Sometimes{-1}), "Sometimes"));
  // A plan is for one size.
  const Plan plan({48, 64});
  CHECK(error_of([&] { plan(cat(4, 4)); }, ErrorKind::bad_data) ==
        "the augmentation of an image of 64 x 48 pixels cannot be applied to one of 4 x 4");
}
