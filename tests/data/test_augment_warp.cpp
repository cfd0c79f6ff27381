// Transforms, resampling and pixel operations.
#include <doctest/doctest.h>

#include <limits>
#include <numeric>

#include "data/augment/pixels.h"
#include "kernels/cpu/parallel.h"
#include "tests/backends.h"
#include "tests/data/augmented.h"
#include "tests/support.h"

using namespace counterpoise;

namespace {

using namespace augment;

void check_near(Point a, double x, double y, double tolerance = 1e-9) {
  CHECK(a.x == doctest::Approx(x).epsilon(tolerance));
  CHECK(a.y == doctest::Approx(y).epsilon(tolerance));
}

// A row of one pixel's height with the same level in all channels.
Image row(const std::vector<int>& levels) {
  Image image{1, int(levels.size()), {}};
  for (const int level : levels) image.rgb.insert(image.rgb.end(), 3, uint8_t(level));
  return image;
}
std::vector<int> levels(const Image& image) {
  std::vector<int> y;
  for (size_t i = 0; i < image.rgb.size(); i += 3) y.push_back(image.rgb[i]);
  return y;
}

}  // namespace

TEST_CASE("augment: transforms of points") {
  check_near(*moved(rotation(90), Point{1, 0}), 0, 1);  // clockwise: right becomes down
  check_near(*moved(shear(45), Point{0, 2}), -2, 2);
  check_near(*moved(shear(0, 45), Point{2, 0}), 2, 2);
  check_near(*moved(around({5, 5}, rotation(180)), Point{0, 1}), 10, 9);
  check_near(*moved(translation(1, 2) * scaling(3, 4), Point{1, 1}), 4, 6);  // scaled first
  check_near(*moved(resizing({10, 20}, {30, 10}), Point{20, 10}), 10, 30);
  const std::array<Point, 4> from = {{{3, 2}, {90, 8}, {95, 60}, {1, 70}}}, to = {{{0, 0}, {80, 0}, {80, 50}, {0, 50}}};
  const Transform t = perspective(from, to);
  for (size_t i = 0; i < 4; ++i) check_near(*moved(t, from[i]), to[i].x, to[i].y, 1e-7);
  for (size_t i = 0; i < 4; ++i) check_near(*moved(inverse(t), to[i]), from[i].x, from[i].y, 1e-7);
  // A straight line stays straight.
  const Point a = *moved(t, Point{10, 10}), b = *moved(t, Point{30, 20}), c = *moved(t, Point{70, 40});
  CHECK((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y) == doctest::Approx(0).epsilon(1e-9));
  CHECK(contains(error_of([&] { perspective({{{0, 0}, {1, 1}, {2, 2}, {0, 5}}}, to); }), "three on a line"));
  CHECK(contains(error_of([] { inverse(scaling(0, 1)); }), "cannot be inverted"));
  CHECK(
      contains(error_of([] { inverse(scaling(std::numeric_limits<double>::quiet_NaN(), 1)); }), "cannot be inverted"));
}

TEST_CASE("augment: what a projective transform takes beyond its horizon is cut off") {
  Transform t;
  t.m[2] = {-0.1, 0, 1};  // the horizon is x = 10
  CHECK(moved(t, Point{5, 1})->x == 10);
  CHECK(!moved(t, Point{10, 1}));
  CHECK(!moved(t, Point{20, 1}));
  CHECK(!moved(t, Box{11, 0, 12, 1}));
  CHECK(moved(t, Box{0, 0, 5, 1})->right == 10);
  CHECK(moved(t, Box{0, 0, 20, 1})->right > 1e5);
  CHECK(!moved(t, Polygon{{{11, 0}, {12, 0}, {12, 1}}}));
  CHECK(moved(t, Polygon{{{0, 0}, {20, 0}, {0, 1}}})->points.size() == 4);
  const std::vector<LineString> pieces = moved(t, LineString{{{0, 0}, {20, 0}, {20, 1}, {0, 1}}});
  REQUIRE(pieces.size() == 2);
  CHECK(pieces[0].points.size() == 2);
  CHECK(pieces[1].points.size() == 2);
  CHECK(pieces[1].points[1].y == 1);
}

TEST_CASE("augment: borders") {
  const Image image = row({10, 20, 30, 40});
  const auto shown = [&](Border border) {
    Warp by{translation(3, 0), {1, 10}};
    by.border = border, by.fill = {7, 7, 7};
    return levels(warp(image, by));
  };
  CHECK(shown(Border::constant) == std::vector<int>{7, 7, 7, 10, 20, 30, 40, 7, 7, 7});
  CHECK(shown(Border::replicate) == std::vector<int>{10, 10, 10, 10, 20, 30, 40, 40, 40, 40});
  CHECK(shown(Border::reflect) == std::vector<int>{30, 20, 10, 10, 20, 30, 40, 40, 30, 20});
  CHECK(shown(Border::reflect_101) == std::vector<int>{40, 30, 20, 10, 20, 30, 40, 30, 20, 10});
  CHECK(shown(Border::wrap) == std::vector<int>{20, 30, 40, 10, 20, 30, 40, 10, 20, 30});
  // Far outside, and of a single pixel.
  for (const Border border : {Border::replicate, Border::reflect, Border::reflect_101, Border::wrap}) {
    CHECK(levels(warp(row({9}), {translation(1e12, -1e12), {1, 3}, Interpolation::bilinear, border})) ==
          std::vector<int>{9, 9, 9});
  }
}

TEST_CASE("augment: interpolation") {
  const Image image = row({0, 100, 200});
  const auto at = [&](double x, Interpolation interpolation) {
    return levels(warp(image, {translation(0.5 - x, 0), {1, 1}, interpolation, Border::replicate}))[0];
  };
  CHECK(at(1.5, Interpolation::bilinear) == 100);
  CHECK(at(1.75, Interpolation::bilinear) == 125);
  CHECK(at(1.75, Interpolation::nearest) == 100);
  CHECK(at(2.01, Interpolation::nearest) == 200);
  CHECK(at(1.5, Interpolation::bicubic) == 100);
  // Keys' kernel with a = -3/4 halfway: -3/32, 19/32, 19/32, -3/32.
  CHECK(at(2, Interpolation::bicubic) == std::lround((-3 * 0 + 19 * 100 + 19 * 200 - 3 * 200) / 32.0));
  // Enlarged or cropped, an image is not darkened at its edges.
  const Image white = row({255, 255, 255});
  CHECK(levels(warp(white, {scaling(3, 1), {1, 9}})) == std::vector<int>(9, 255));
  CHECK(levels(warp(white, {translation(-0.5, 0) * scaling(2, 1), {1, 5}})) == std::vector<int>(5, 255));
  CHECK(levels(warp(white, {translation(1.5, 0), {1, 5}})) == std::vector<int>{0, 128, 255, 255, 128});
  // Reduced to a quarter, alternating pixels become gray instead of either color, also where they are turned.
  std::vector<int> stripes;
  for (int i = 0; i < 16; ++i) stripes.push_back(i % 2 * 200);
  const Image line = row(stripes);
  const std::vector<int> grays = levels(warp(line, {scaling(0.25, 1), {1, 4}}));
  for (size_t i = 0; i < 4; ++i) CHECK(std::abs(grays[i] - 100) <= (i == 1 || i == 2 ? 0 : 15));
  Image square{16, 16, {}};
  for (int i = 0; i < 16; ++i) square.rgb.insert(square.rgb.end(), line.rgb.begin(), line.rgb.end());
  const Transform turn = translation(4, 0) * rotation(90) * scaling(0.25, 0.25);
  CHECK(levels(warp(square, {turn, {4, 4}})) == std::vector<int>(16, 100));
}

TEST_CASE("augment: the identity changes nothing, under all interpolations") {
  const Image image = noise(9, 13, 1);
  for (const Interpolation way : {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic}) {
    CHECK(warp(image, {Transform{}, {9, 13}, way}).rgb == image.rgb);
    CHECK(warp(warp(image, {translation(2, 3), {20, 20}, way}), {translation(-2, -3), {9, 13}, way}).rgb == image.rgb);
  }
  Annotated a;
  a.image = image;
  a.heat_maps.push_back({2, 3, {1, 2, 3, 4, 5, 6}});
  Plan plan(a.size());
  plan.move(Transform{}, a.size());
  CHECK(plan.resamplings() == 0);
  CHECK(plan(a).heat_maps[0].values == a.heat_maps[0].values);
  CHECK(contains(error_of([&] { warp(image, {Transform{}, {0, 5}}); }), "cannot be warped to 5 x 0 pixels"));
  CHECK(contains(error_of([&] { warp(image, {scaling(1, 0), {5, 5}}); }), "cannot be inverted"));
}

TEST_CASE("augment: the same bits for any number of threads") {
  Annotated a;
  a.image = noise(120, 90, 2);
  a.heat_maps.push_back({60, 45, std::vector<float>(2700, 0.5f)});
  const Augmenter all = Sequential{
      {places(), GaussianBlur{2}, AdditiveGaussianNoise{10, true}, LinearContrast{}, Sharpen{0.2}, Multiply{}, Add{}}};
  const auto run = [&] {
    Random rng(3, Stream::test);
    return all(a, rng);
  };
  const auto by = [&](int threads) {
    const Threads guard(threads);
    return run();
  };
  const Annotated one = by(1);
  for (const int threads : {2, 3}) {
    const Annotated more = by(threads);
    CHECK(more.image.rgb == one.image.rgb);
    CHECK(more.heat_maps[0].values == one.heat_maps[0].values);
  }
}

TEST_CASE("augment: four points see one another, wherever the horizon is") {
  const std::array<Point, 4> to = {{{0, 0}, {64, 0}, {64, 64}, {0, 64}}};
  // The upper left corner of the image is beyond the horizon, or on it.
  for (const std::array<Point, 4>& from : {std::array<Point, 4>{{{28.8, 28.8}, {64, 0}, {64, 64}, {28.8, 35.2}}},
                                           std::array<Point, 4>{{{16, 24}, {64, 0}, {64, 64}, {16, 40}}}}) {
    const Transform transform = perspective(from, to);
    for (size_t i = 0; i < 4; ++i) {
      const std::optional<Point> p = moved(transform, from[i]);
      REQUIRE(p);
      CHECK(p->x == doctest::Approx(to[i].x));
      CHECK(p->y == doctest::Approx(to[i].y));
    }
  }
}

TEST_CASE("augment: what does not fit is an error, not memory of others") {
  const Warp as_it_is{Transform(), {2, 2}};
  CHECK_THROWS_AS(warp(Image{2, 2, std::vector<uint8_t>(11)}, as_it_is), Error);
  CHECK_THROWS_AS(warp(Image{}, as_it_is), Error);
  CHECK_THROWS_AS(warp(HeatMap{2, 2, {1, 2, 3}}, {2, 2}, as_it_is), Error);
  CHECK_THROWS_AS(warp(SegmentationMap{2, 2, {1, 2, 3, 4}}, {0, 2}, as_it_is), Error);
  CHECK_THROWS_AS(Augmenter(Crop{0, 2.5}), Error);  // no whole number
  Affine large;
  large.scale = 100, large.scale_x = 100, large.shear_x = 89, large.shear_y = 89, large.fit_output = true;
  Random rng(1, Stream::test);
  CHECK_THROWS_AS(Augmenter(large).plan({1000, 1000}, rng), Error);
}

TEST_CASE("augment: pixel operations") {
  Image image = row({0, 100, 255});
  linear_contrast(image, 1.5);
  CHECK(levels(image) == std::vector<int>{0, 86, 255});  // 86.5 is rounded down
  image = row({0, 101, 255});
  multiply(image, 1.5);
  CHECK(levels(image) == std::vector<int>{0, 151, 255});
  add(image, -10.6);
  CHECK(levels(image) == std::vector<int>{0, 140, 244});
  image = noise(8, 9, 3);
  const Image before = image;
  sharpen(image, 0, 1), gaussian_blur(image, 0), linear_contrast(image, 1), multiply(image, 1), add(image, 0);
  Random rng(1, Stream::test);
  additive_gaussian_noise(image, 0, true, rng);
  CHECK(image.rgb == before.rgb);
  // On a constant image sharpening multiplies by 1 - alpha + alpha lightness, and a blur changes nothing.
  image = row({100, 100, 100});
  sharpen(image, 0.5, 1.2);
  CHECK(levels(image) == std::vector<int>{110, 110, 110});
  gaussian_blur(image, 3);
  CHECK(levels(image) == std::vector<int>{110, 110, 110});
  // A blur is symmetric and keeps the sum.
  image = spot(41, 41, {20.5, 20.5});
  const auto sum = [&] { return std::accumulate(image.rgb.begin(), image.rgb.end(), 0.0); };
  const double all = sum();
  gaussian_blur(image, 2);
  CHECK(sum() == doctest::Approx(all).epsilon(0.02));  // levels are rounded
  CHECK(center_of(image).x == doctest::Approx(20.5));
  // The mean and deviation of the noise; one for all channels, or one for each.
  for (const bool per_channel : {false, true}) {
    Image gray{100, 100, std::vector<uint8_t>(30000, 128)};
    additive_gaussian_noise(gray, 10, per_channel, rng);
    double mean = 0, square = 0;
    bool same = true;
    for (size_t i = 0; i < gray.rgb.size(); ++i) {
      const double d = gray.rgb[i] - 128.0;
      mean += d / 30000, square += d * d / 30000;
      same = same && gray.rgb[i] == gray.rgb[i / 3 * 3];
    }
    CHECK(std::fabs(mean) < 0.4);  // four standard errors of 100 x 100 draws
    CHECK(std::fabs(std::sqrt(square) - 10) < 0.3);
    CHECK(same == !per_channel);
  }
  CHECK(error_of([&] { sharpen(image, 2, 1); }, ErrorKind::invalid_argument) ==
        "the strength of sharpening must be from 0 to 1, not 2");
  CHECK(contains(
      error_of([&] { gaussian_blur(image, std::numeric_limits<double>::quiet_NaN()); }, ErrorKind::invalid_argument),
      "not nan"));
}

TEST_CASE("augment: what a crop has cut off does not come back, and its edge is blended as the image's own") {
  const Image white{40, 40, std::vector<uint8_t>(40 * 40 * 3, 255)};
  for (const double degrees : {10., 30.}) {
    // A crop and a rotation in one resampling, and the rotation of an image that never was larger.
    Plan plan({40, 40});
    plan.move(translation(-10, -10), {20, 20});
    const Transform turn = around({10, 10}, rotation(degrees));
    plan.move(turn, {20, 20});
    CHECK(plan.resamplings() == 1);
    const Image small{20, 20, std::vector<uint8_t>(20 * 20 * 3, 255)};
    const Image once = plan({white}).image, twice = warp(small, {turn, {20, 20}});
    int between = 0;
    for (size_t i = 0; i < once.rgb.size(); ++i) {
      CHECK_FALSE(std::abs(once.rgb[i] - twice.rgb[i]) > 1);
      between += once.rgb[i] > 20 && once.rgb[i] < 235;
    }
    CHECK(between > 30);
  }
}
